/** Every limit of the log and the disk below it, named once. */

/**
 * Longest batch: 1 GiB. A batch may carry one value of 512 MiB together with its key and the mutations
 * around it, so the limit is the next power of two, and a batch is never split: a record lies in one
 * segment, and a segment grows beyond its usual size when one record needs it. In etcd it is stored in chunks; whoever
 * writes there sees to it that its quota is not used up.
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

/** What one request to etcd carries of batches: it takes 1.5 MiB at most, keys and heads included. */
export const etcdChunkBytes: number = 1024 * 1024;

/** Batches for etcd from this length on are deflated: below, the call costs more than the bytes. */
export const deflatedBatchBytesMin = 4096;

/** Where deflating leaves more than this share it is not worth undoing, and is not tried for so many batches. */
export const deflateShareMax = 0.8;
export const deflatePauseBatches = 30;

/** Batches in one transaction; etcd takes 128 operations. */
export const etcdGroupCountMax = 100;

/**
 * What others append waits behind a chunk that is on its way to etcd. So there is one at a time, and behind one that took
 * longer than this, in ms, a pause as long, at most the other.
 */
export const chunkQuickMs = 100;
export const chunkPauseMsMax = 500;

/** How long a chunk that could not be stored waits before it is tried again, in ms. */
export const chunkRetryMs = 50;

/** Entries that may be appended between a batch that is staged and its own: as a leader renews its lease, for minutes. */
export const stagedEntriesMax = 1000;

/** Chunks that are read from etcd at once. */
export const chunksReadMax = 8;

/** Entries that are read from etcd at once: first, at most, and so many that a page has about these bytes. */
export const pageEntriesFirst = 16;
export const pageEntriesMax = 1000;
export const pageBytes: number = 4 * 1024 * 1024;

/** Entries that one transaction of a trim removes. */
export const trimStep = 1000;

/** Batches stored further on of which a trim asks at once. */
export const stagedTrimStep = 100;

/** How often a follower asks etcd although no watch told it anything, in ms: a watch may be cut off. */
export const followIntervalMs = 2000;

/**
 * How often it asks for entries while they are many, in ms: no write waits for it, and stale reads are so much older. At 20
 * two followers took more of etcd, with 100 appends a second, than being told of each.
 */
export const gatherIntervalMs = 50;

/** Entries that it asks for then: one client that sets one key after the other makes 35 in that time. */
export const gatheredEntriesMax = 64;

/** How long appends wait for the segment after a sealed one before they are refused, in ms. */
export const reconfigureTimeoutMs = 10_000;

/** How often a sealed segment without a successor is looked at again, in ms. */
export const switchRetryMs = 50;

/** Bytes of appends that may wait behind the one that is on its way, or for another segment. */
export const waitingBytesMax: number = 256 * 1024 * 1024;
