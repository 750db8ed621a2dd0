/** Values in storages, for tests of the RDB format. */
import { SeededRandom } from '@holdfast/common/testing';
import type { Database } from '../database.js';
import { MemoryStorage } from '../memory-storage.js';
import { readPayload } from '../rdb/dump-payload.js';
import { stringForms } from '../string-forms.js';
import { stateOf } from './digest.js';
import { RandomWrites } from './random-writes.js';
import { StorageDriver } from './storage-driver.js';

export function emptyDriver(): StorageDriver {
  return new StorageDriver(new MemoryStorage(new SeededRandom(1)));
}

/** Puts what a payload holds at a key; throws what is wrong with it. */
export function restore(
  { storage }: StorageDriver,
  key: Uint8Array,
  payload: Buffer,
  expiryMs: number,
): void {
  const db = storage.database(0);
  storage.stamp.reset();
  const value = readPayload(payload, db);
  db.find(key, 0, key.length);
  if (Buffer.isBuffer(value)) db.putOwnedString(0, key, 0, key.length, value, expiryMs, stringForms.plain);
  else db.adopt(key, 0, key.length, value, expiryMs);
}

export function keysOf({ arena, dict }: Database): { ref: number; key: Buffer }[] {
  const keys: { ref: number; key: Buffer }[] = [];
  dict.forEach((ref) => {
    const start = dict.keyStart(ref);
    keys.push({ ref, key: Buffer.from(arena.chunk(ref).subarray(start, start + dict.keyLength(ref))) });
  });
  return keys;
}

/** The state without versions, and without what is not part of a value. */
export async function contentOf(driver: StorageDriver): Promise<string[]> {
  const lines = await stateOf(driver.storage);
  return lines.map((line) => line.replace(/ v\d+ /, ' ').replace(/ raw /, ' '));
}

export async function randomValues(random: SeededRandom, writes: number): Promise<StorageDriver> {
  const driver = emptyDriver();
  const load = new RandomWrites(driver, random, { keys: 60, databases: 1, wholesale: false });
  for (let i = 0; i < writes; i++) {
    await load.next();
    driver.settle();
  }
  return driver;
}
