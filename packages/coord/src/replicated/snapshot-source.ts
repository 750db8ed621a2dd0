/** Snapshots from one node to another: for a replica that needs more than the log still has. */
import type { Position } from '@holdfast/log';

/** A snapshot on its way. */
export interface SnapshotStream {
  /** It holds at least everything up to here. */
  readonly from: Position;
  /** Batches of mutations, in order. Throws KvError CORRUPT when one is damaged, or the end is missing. */
  readonly batches: AsyncIterable<Uint8Array>;
  /** And nothing beyond this position. Known once all batches were read. */
  readonly to: () => Position;
}

export interface SnapshotSource {
  /**
   * A snapshot of a shard that another node has. Null when nobody has one. Throws KvError UNAVAILABLE when nobody
   * can be asked.
   */
  fetch(shard: string): Promise<SnapshotStream | null>;
}

/** Of shards without other nodes. */
export const noSnapshots: SnapshotSource = { fetch: async () => null };
