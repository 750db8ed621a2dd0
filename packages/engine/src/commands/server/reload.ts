/** DEBUG RELOAD and LOADAOF: what is in memory is forgotten, and built again from records. */
import type { Request } from '@holdfast/common';
import { databaseCount, MutationWriter, type Storage } from '@holdfast/storage';
import type { KV } from '../../kv.js';

const needsMemory = 'ERR DEBUG RELOAD needs memory storage';
const unloadable = 'ERR Error trying to load the RDB dump, check server logs.';
const wrongOption = 'ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.';

/**
 * DEBUG RELOAD: everything is described as records first, keys and libraries of functions. They are kept for the next
 * time, which may begin with them. What prevents it, or null when it is done.
 */
export function reload(kv: KV, request: Request, first: number): string | null {
  let saves = true;
  let flushes = true;
  let merges = false;
  for (let i = first; i < request.count; i++) {
    if (request.is(i, 'NOSAVE')) saves = false;
    else if (request.is(i, 'NOFLUSH')) flushes = false;
    else if (request.is(i, 'MERGE')) merges = true;
    else return wrongOption;
  }
  const { storage } = kv;
  if (storage.needsJournal) return needsMemory;
  if (saves) kv.reloadable = describeAll(storage);
  // What is there already can't be loaded once more; where it may be merged, the newer one stays.
  if (kv.reloadable === null || (!flushes && !merges && !isEmpty(storage))) return unloadable;
  replaceContents(storage, flushes ? databaseCount : 0, [kv.reloadable]);
  kv.scripting.functions.invalidate();
  kv.scripting.functions.prepare();
  return null;
}

function describeAll(storage: Storage): Uint8Array {
  const writer = new MutationWriter();
  for (let index = 0; index < databaseCount; index++) {
    const db = storage.database(index);
    db.dict.forEach((ref) => {
      db.describe(ref, writer);
    });
  }
  return writer.bytes.subarray(0, writer.length);
}

function isEmpty(storage: Storage): boolean {
  for (let index = 0; index < databaseCount; index++) if (storage.keyCount(index) > 0) return false;
  return true;
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
