/** Every limit of the log and the disk below it, named once. */

/**
 * Longest batch: 1 GiB. A batch may carry one value of 512 MiB together with its key and the mutations
 * around it, so the limit is the next power of two, and a batch is never split: a record lies in one
 * segment, and a segment grows beyond its usual size when one record needs it.
 */
export const batchBytesMax = 1024 * 1024 * 1024;

/** Usual size of a segment file: 64 MiB, what this takes to preallocate (50 ms) is not felt. */
export const segmentBytesDefault = 64 * 1024 * 1024;

/** Smallest segment: the file head and some records. Only tests want it. */
export const segmentBytesMin = 4096;

/** Prepared or recycled segments that are kept for later. More than one only after a trim. */
export const spareSegmentsMax = 2;

/** How often `everysec` brings what was written to the disk. */
export const syncIntervalMs = 1000;

/** A batch up to this length is copied behind its header and written in one call (4 us against 6 us). */
export const joinedBatchBytesMax = 64 * 1024;

/** How much is read from a segment at once. */
export const readBytes = 256 * 1024;

/** Bytes of one segment between two entries of its index in memory. */
export const indexStrideBytes = 256 * 1024;

/** Zeros that are written at once when a segment is prepared. */
export const zeroBytes = 1024 * 1024;
