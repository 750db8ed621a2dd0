/** For tests of values, which live in a storage and take versions from it. */
import { SeededRandom } from '@holdfast/common/testing';
import type { Collection } from '../collection.js';
import type { Database } from '../database.js';
import { MemoryStorage } from '../memory-storage.js';

/** In memory, with versions 1, 2, 3 and so on. */
export function versionedStorage(seed = 1): MemoryStorage {
  const storage = new MemoryStorage(new SeededRandom(seed));
  let last = 0;
  storage.stamp.source = { next: (count) => (last += count) };
  return storage;
}

/** A value under a key of the first database, in which nothing is yet. */
export function putNew<V extends Collection>(
  storage: MemoryStorage,
  key: Uint8Array,
  make: (db: Database) => V,
): V {
  const db = storage.database(0);
  const value = make(db);
  db.find(key, 0, key.length);
  db.putCollection(key, 0, key.length, value);
  return value;
}
