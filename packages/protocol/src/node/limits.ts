/** Limits of the protocol between gateways and nodes. Longer messages than `messageBytesMax` (packages/rpc) are refused by gRPC. */
import { messageBytesMax } from '@holdfast/rpc';

/** Longest reply: room is left in a message for its envelope, and for replies that go out with it. */
export const replyBytesMax: number = messageBytesMax - 256 * 1024;

/** Streams at a time on one connection: a gateway needs one. */
export const streamsMax = 100;

/** Sessions of one stream at a time. */
export const sessionsMax: number = 1024 * 1024;

/** Replies go out when there are this many bytes of them, or at the end of the turn. */
export const outputMessageBytes: number = 96 * 1024;

/** Room for the replies of a turn: as much as a message has, usually. */
export const outputBufferBytes: number = 128 * 1024;

/** A stream with more output waiting than this is read no further until its gateway has read. */
export const outputPauseBytes: number = 16 * 1024 * 1024;

/**
 * How long a message waits for versions as a whole, in ms. Then what needs none of it goes on, and each write waits by itself:
 * what reads, and clients that end or are no longer to wait, are not held up by a service of timestamps that hangs.
 */
export const versionsWaitMsMax = 100;

/** What may wait in one session behind a command that waits, in bytes. A gateway sends less. */
export const sessionQueueBytesMax: number = 64 * 1024 * 1024;
