/**
 * Cursors of a scan over several shards. They name the shard by its place, and hold the cursor within it, of which there
 * are two kinds:
 *
 *     over memory   below 2^32                 place * 2^32 + cursor
 *     over a disk   2^47 + position of a key   2^47 + place * 2^46 + position
 *
 * So those of the first shard are its own. Of the other shards' they are exact as numbers, too, up to the 126th shard.
 */
import { diskCursor, diskPositionsEnd } from '@holdfast/storage';

const memoryCursors = 2n ** 32n;
const firstOfDisk = BigInt(diskCursor);
const positions = BigInt(diskPositionsEnd);

export interface ShardCursor {
  /** Of the shard. */
  readonly place: number;
  readonly inside: bigint;
}

export function openCursor(cursor: bigint): ShardCursor {
  if (cursor < firstOfDisk) {
    return { place: Number(cursor / memoryCursors), inside: cursor % memoryCursors };
  }
  const offset = cursor - firstOfDisk;
  return { place: Number(offset / positions), inside: firstOfDisk + (offset % positions) };
}

export function closeCursor({ place, inside }: ShardCursor): bigint {
  const size = inside < firstOfDisk ? memoryCursors : positions;
  return BigInt(place) * size + inside;
}
