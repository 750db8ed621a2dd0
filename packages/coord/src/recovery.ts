/**
 * Brings a storage to the state at the end of its log: what the storage kept by itself, or the newest
 * snapshot, then every entry of the log after it. Without a log, what SAVE left.
 */
import { KvError } from '@holdfast/common';
import type { Log } from '@holdfast/log';
import { BatchWrites, type Storage } from '@holdfast/storage';
import type { SnapshotFiles } from './snapshot-files.js';

export interface Recovered {
  /** Position up to which the state came from the storage or a snapshot. */
  readonly from: number;
  /** Entries of the log that were applied. */
  readonly entries: number;
  /** The highest version found: new ones must be above. */
  readonly version: number;
}

/**
 * `onBatch` is called before each batch that is applied: what it throws ends that. Throws KvError CORRUPT when the log does not
 * reach back to the state, or not up to it.
 */
export async function recover(
  storage: Storage,
  log: Log | null,
  snapshots: SnapshotFiles | null,
  onBatch: () => void = () => {},
): Promise<Recovered> {
  let from = storage.durablePosition;
  const newest = snapshots === null ? null : await snapshots.newest();
  const tail = log === null ? (newest?.from ?? from) : await log.tail();
  if (newest !== null && newest.from >= from) {
    if (newest.to > tail) {
      throw new KvError(
        'CORRUPT',
        `${newest.name} reaches to position ${newest.to}, but the log ends at ${tail}: entries of the log are missing. Restore both from one backup.`,
      );
    }
    let last: Uint8Array | null = null;
    for await (const batch of snapshots!.read(newest)) {
      onBatch();
      if (last !== null) await apply(storage, last, 0, false);
      last = batch;
    }
    if (last !== null) await apply(storage, last, newest.from, false);
    from = newest.from;
  }
  if (log === null) return { from, entries: 0, version: storage.stamp.last };
  const head = await log.head();
  if (head > from + 1) {
    throw new KvError(
      'CORRUPT',
      `the log begins at position ${head}, but the state is that of position ${from}: a snapshot is missing. Restore the directory from a backup.`,
    );
  }
  if (from > tail) {
    throw new KvError(
      'CORRUPT',
      `the state is that of position ${from}, but the log ends at ${tail}: entries of the log are missing. Restore the directory from a backup.`,
    );
  }
  let entries = 0;
  if (from < tail) {
    // A snapshot has some of what was written while it was taken.
    const isNext = newest === null;
    for await (const { position, batch } of log.read(from + 1)) {
      onBatch();
      await apply(storage, batch, position, isNext);
      entries++;
    }
  }
  if (entries === 0 && tail >= head) await raiseStamp(storage, log, tail);
  return { from, entries, version: storage.stamp.last };
}

/** The last write may have left nothing that has its version: a deletion does. */
async function raiseStamp({ stamp }: Storage, log: Log, tail: number): Promise<void> {
  for await (const { batch } of log.read(tail)) {
    stamp.use(new BatchWrites().lastVersion(batch));
    stamp.reset();
  }
}

/** `isNext`: see `Storage.prepareApply`. */
async function apply(storage: Storage, batch: Uint8Array, position: number, isNext: boolean): Promise<void> {
  await storage.prepareApply(batch, isNext);
  storage.apply(batch, position);
}
