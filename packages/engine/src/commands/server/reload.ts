/** DEBUG RELOAD: everything is described as records, forgotten, and built again from them. */
import { databasesMax } from '@holdfast/common';
import { MutationWriter, type Storage } from '@holdfast/storage';

/** What prevents it, or null when it is done. Nobody is told of a change: there is none. */
export function reload(storage: Storage): string | null {
  if (storage.journal !== null) return 'ERR DEBUG RELOAD needs a server without a log';
  const writer = new MutationWriter();
  for (let index = 0; index < databasesMax; index++) {
    const db = storage.database(index);
    if (storage.keyCount(index) !== db.size) return 'ERR DEBUG RELOAD needs all keys in memory';
    db.dict.forEach((ref) => {
      db.describe(ref, writer);
    });
  }
  const { observer } = storage;
  storage.observer = null;
  for (let index = 0; index < databasesMax; index++) {
    const db = storage.database(index);
    if (db.size > 0) db.flush();
  }
  storage.apply(writer.bytes.subarray(0, writer.length), storage.durablePosition);
  storage.observer = observer;
  return null;
}
