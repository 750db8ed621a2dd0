/**
 * A backup: the data of a server, or of each shard of a cluster, as of one moment each, in one file.
 *
 *     head    | "HOLDFAST BACKUP\n" | format u32 | length u32 | JSON: what it is of, when ... | crc u32 |
 *     frame   | kind u8 | length u32 | unpacked u32 | crc u32 | content |
 *
 *     part    1   a name: that of a shard, empty for a whole server; what follows belongs to it. A shard has two of them: a
 *                 snapshot, and what was written behind its position up to the version that all shards are as of
 *     data    2   batches of mutations, packed by deflate:  | length u32 | batch | length u32 | batch | ...
 *     close   3   of a part: position f64, version f64, number of batches f64
 *     end     4   number of parts u32
 *
 * Numbers are little-endian. Each checksum goes on where the one before ended, from the first byte of the file: a frame
 * that is damaged, missing, or there twice breaks all that follow, and so does a file without its end, or with more
 * behind it. `position` is that of the log which the part is as of, 0 without one; `version` is what it is as of: that
 * of the last write, which may have left nothing, or the one that all shards have in common.
 */
import { checksum, KvError } from '@holdfast/common';

export const backupMagic: Buffer = Buffer.from('HOLDFAST BACKUP\n', 'latin1');
export const backupFormat = 1;
export const frameKinds = { part: 1, data: 2, close: 3, end: 4 } as const;

export const frameHeadBytes = 13;
/** Of everything before the checksum. */
const summedBytes = 9;
export const closeBytes = 24;
/** Batches are packed when they have so many bytes together. */
export const packedBytes: number = 1 << 20;
/** A frame holds one batch at least: what a log takes, or one key, however large that is. Lengths have 32 bits. */
export const batchBytesMax: number = 2 ** 32 - (1 << 22);
export const headBytesMax: number = 1 << 20;

/** What a backup is of: when it was taken, of which program, and whatever its writer wants to be known. */
export type BackupFields = Readonly<Record<string, string | number>>;

/** The checksum of a frame that follows one with `sum`. */
export function frameSum(frame: Uint8Array, sum: number): number {
  return checksum(frame, frameHeadBytes, frame.length, checksum(frame, 0, summedBytes, sum));
}

export function damagedBackup(at: number, what: string): KvError {
  return new KvError('CORRUPT', `the backup is damaged at byte ${at}: ${what}. Nothing of it was used`);
}
