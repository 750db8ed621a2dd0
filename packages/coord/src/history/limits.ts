/** Limits of histories, named once. */
import type { ReadLimit } from './history.js';

/** What one reading gives when nothing else is asked for. */
export const readLimitDefault: ReadLimit = { commitsMax: 4096, bytesMax: 1024 * 1024 };

/** Readers whose place in the log is remembered; others are looked for by halving, which takes some 20 reads. */
export const cursorsMax = 64;

/** Starts of the server that a history reaches over; what is before the oldest of them is dropped. */
export const startsMax = 256;

/** A history in memory is dropped by such a part of it at a time. */
export const chunksPerHistory = 16;
export const chunkBytesMax: number = 1024 * 1024;
