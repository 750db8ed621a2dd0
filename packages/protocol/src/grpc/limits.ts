/** Limits of the gRPC protocol, beside `messageBytesMax` (packages/rpc). */
import { messageBytesMax } from '@holdfast/rpc';

/** A Batch stream's results go out when there are this many bytes of them, or at the end of the turn. */
export const outputMessageBytes: number = 256 * 1024;

/** Longest reply: room for its envelope, and for the results that go out with it, is left in a message. */
export const replyBytesMax: number = messageBytesMax - outputMessageBytes - 64 * 1024;

/** What messages that are under way to the server may take together, over all calls. */
export const requestsBytesMax: number = 512 * 1024 * 1024;

/**
 * Of which those count that are longer than this: as much of each call is held by the runtime in any case (HTTP/2's
 * window), and who sends small messages does not feel that others send large ones.
 */
export const messageBytesCounted: number = 64 * 1024;

/** Most arguments of one command. */
export const argumentsMax: number = 1024 * 1024;

/** Longest message of calls that need no credentials (health, reflection). */
export const openMessageBytesMax: number = 16 * 1024;

/** The same, compressed: it may be a thousand times that. */
export const compressedBytesMax = 128;

/** Calls at a time on one connection. */
export const streamsMax = 1000;

/** Commands of one Batch stream that wait at a time: each holds a session. */
export const waitingMax = 1000;

/** Commands of one Batch stream whose replies are on their way from elsewhere: with more, no further ones are begun. */
export const onTheirWayMax = 1024;

/** Commands that one Batch stream runs in a turn of the event loop, before others get theirs. */
export const turnCommandsMax = 4096;

/** A Batch stream with more output waiting than this runs no commands until its client has read. */
export const outputPauseBytes: number = 4 * 1024 * 1024;

/** Room for small commands; a larger one gets it for itself. */
export const scratchBytes: number = 64 * 1024;
