/** Limits of the Redis protocol that no configuration changes. The others are parameters (CONFIG GET). */

/** Longest line, inline or of a length, that is waited for: in bytes. One that has come as a whole may be longer, as in Redis. */
export const inlineBytesMax: number = 64 * 1024;

/** Most arguments that a command may announce: Redis' INT_MAX. How many there can be is said by `argumentBytes`. */
export const argumentsMax = 2147483647;

/**
 * An argument counts as so much more than its bytes for `client-query-buffer-limit`: about what its place in the request, and
 * an object for it where a command makes one, take. By its bytes alone a request within the limit could fill the JavaScript heap.
 */
export const argumentBytes = 128;

/** Longest input that waits for its end, whatever `client-query-buffer-limit` says: arguments are found by positions of 31 bits. */
export const inputBytesMax: number = 2 ** 31 - 128 * 1024;

/** What a client may send before it has authenticated: arguments, and bytes of one argument. */
export const unauthenticatedArgumentsMax = 10;
export const unauthenticatedBulkBytesMax = 16384;

/** When the server ends a connection may stay for its next reply, behind which it ends, for so long, in ms. */
export const retirementMs = 100;

/** A client with more output waiting than this is not served further commands until it has read. */
export const outputPauseBytes: number = 1024 * 1024;

/**
 * A client for which more than this gathers in one go, by one command that asks for as much, is cut off: the runtime's buffers
 * hold 4 GiB, and growing one copies it.
 */
export const outputBytesMax: number = 2 * 1024 * 1024 * 1024;

/** A client that waits for a key or a pause is not read further with more input than this. */
export const inputPauseBytes: number = 1024 * 1024;

/** Room for input of which nothing came between so many looks, a second apart, is given back if it is so much. */
export const trimLooks = 3;
export const trimmedBytesMin: number = 32 * 1024;

/**
 * A turn that runs more commands than this sends what it has so far. Between 128 and 512 the throughput of
 * 50 clients with 16 or 64 commands in a pipeline is within the noise; without it, some 5% less.
 */
export const flushCommands = 256;

/**
 * Commands that are looked at while one before them waits: as many are served by one read of the disk. With 16, SET of
 * absent keys, 1000 in a pipeline, comes to a tenth.
 */
export const lookAheadMax = 256;
