/** DEBUG RELOAD and LOADAOF: what is in memory is forgotten, and built again from records. */
import { databasesMax } from '@holdfast/common';
import { databaseCount, MutationWriter, type Storage } from '@holdfast/storage';

/** DEBUG RELOAD: everything is described as records first. What prevents it, or null when it is done. */
export function reload(storage: Storage): string | null {
  if (storage.needsJournal) return 'ERR DEBUG RELOAD needs memory storage';
  const writer = new MutationWriter();
  for (let index = 0; index < databasesMax; index++) {
    const db = storage.database(index);
    db.dict.forEach((ref) => {
      db.describe(ref, writer);
    });
  }
  replaceContents(storage, databasesMax, [writer.bytes.subarray(0, writer.length)]);
  return null;
}

/**
 * Puts what these batches say in place of what memory storage has: of all databases, those of the server itself too,
 * or of the first `count`. Nobody is told of a change, nor is it logged, and it is no write: it takes no version.
 * Everything that was written must be committed.
 */
export function replaceContents(storage: Storage, count: number, batches: readonly Uint8Array[]): void {
  const { journal, observer, stamp } = storage;
  storage.journal = null;
  storage.observer = null;
  if (stamp.last > 0) stamp.use(stamp.last);
  try {
    for (let index = 0; index < Math.min(count, databaseCount); index++) {
      const db = storage.database(index);
      if (db.size > 0) db.flush();
    }
    for (const batch of batches) storage.apply(batch, storage.durablePosition);
  } finally {
    storage.journal = journal;
    storage.observer = observer;
    stamp.reset();
  }
}
