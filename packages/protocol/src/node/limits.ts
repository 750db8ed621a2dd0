/** Limits of the protocol between gateways and nodes. Longer messages than `messageBytesMax` (packages/rpc) are refused by gRPC. */
import { messageBytesMax } from '@holdfast/rpc';

/** Longest reply: room is left in a message for its envelope, and for replies that go out with it. */
export const replyBytesMax: number = messageBytesMax - 256 * 1024;

/** What a message can hold of what a session is sent besides, when there is nothing else in it. */
export const pushBytesMax: number = messageBytesMax - 1024;

/** What one command, a script that publishes a lot, can send to a session: more than that is lost. */
export const messagesBytesMax: number = 256 * 1024 * 1024;

/** A stream with more output unsent than this is sent no messages of channels: it is as a subscriber that is cut off. */
export const messagesUnsentMax: number = 128 * 1024 * 1024;

/** Streams at a time on one connection: a gateway needs one. */
export const streamsMax = 100;

/** Sessions of one stream at a time. */
export const sessionsMax: number = 1024 * 1024;

/** Replies go out when there are this many bytes of them, or at the end of the turn. */
export const outputMessageBytes: number = 96 * 1024;

/** Room for the replies of a turn: as much as a message has, usually. */
export const outputBufferBytes: number = 128 * 1024;

/** For a stream with more output unsent than this nothing more is executed until its gateway has read half of it. */
export const outputPauseBytes: number = 16 * 1024 * 1024;

/** Nor with more than this that waits for commits: others' reads need not stop for a log that takes its time. */
export const heldPauseBytes: number = 64 * 1024 * 1024;

/** Meanwhile the stream is read on, for sessions that end above all, until so much waits in sessions. */
export const inputPauseBytes: number = 4 * 1024 * 1024;

/** A session that was replied so much in one go makes room for others, and its gateway may say that its client does not read. */
export const outputSliceBytes: number = 1024 * 1024;

/**
 * How long a message waits for versions as a whole, in ms. Then what needs none of it goes on, and each write waits by itself:
 * what reads, and clients that end or are no longer to wait, are not held up by a service of timestamps that hangs.
 */
export const versionsWaitMsMax = 100;

/** What may wait in one session, in bytes. A gateway sends less: a few MiB, and one request more. */
export const sessionQueueBytesMax: number = messageBytesMax + 16 * 1024 * 1024;
