/** Scans: every key that is there all the time is visited, whatever happens meanwhile. */
import assert from 'node:assert/strict';
import { byteStringOf, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { StorageDriver } from '../storage-driver.js';
import { bytesOfText } from '../storage-driver.js';
import { type StorageCase, withStorage } from './storage-case.js';

export async function scanAll(
  driver: StorageDriver,
  count: number,
  between: () => Promise<void> | void = () => {},
): Promise<Set<string>> {
  const { storage } = driver;
  const seen = new Set<string>();
  let cursor = 0;
  do {
    while (true) {
      const preparing = storage.prepareScan(0, cursor, count);
      if (preparing === null) break;
      await preparing;
    }
    const db = storage.database(0);
    cursor = storage.scanPage(0, cursor, count, (ref) => {
      seen.add(byteStringOf(db.arena.chunk(ref), db.dict.keyStart(ref), db.dict.keyLength(ref)));
    });
    assert.ok(Number.isSafeInteger(cursor), `cursor ${cursor}`);
    await between();
  } while (cursor !== 0);
  return seen;
}

/** Writes, removals and flushes of the disk between the pages, of keys that are not asked for. */
export function disturb(driver: StorageDriver, random: SeededRandom): () => Promise<void> {
  return async () => {
    for (let i = randomBelow(random, 8); i > 0; i--) {
      const key = `other ${randomBelow(random, 300)}`;
      await driver.load({ database: 0, key: bytesOfText(key) });
      if (randomBelow(random, 2) === 0) driver.set(key, 'x');
      else driver.delete(key);
    }
    const kept = `key ${randomBelow(random, 500)}`;
    await driver.load({ database: 0, key: bytesOfText(kept) });
    driver.set(kept, 'again');
    driver.settle();
    if (randomBelow(random, 4) === 0) await driver.storage.flush();
  };
}

export const scanningCases: readonly StorageCase[] = [
  {
    name: 'a scan visits every key',
    run: (place) =>
      withStorage(place, async (driver) => {
        for (let i = 0; i < 500; i++) driver.set(`key ${i}`, 'value');
        driver.settle();
        for (const count of [1, 10, 1000]) assert.equal((await scanAll(driver, count)).size, 500);
      }),
  },
  {
    name: 'a scan of an empty database ends at once',
    run: (place) =>
      withStorage(place, async (driver) => {
        assert.equal((await scanAll(driver, 10)).size, 0);
      }),
  },
  {
    name: 'a key that is there all the time is visited, whatever comes and goes',
    run: (place) =>
      withStorage(place, async (driver) => {
        for (let i = 0; i < 500; i++) driver.set(`key ${i}`, 'value');
        driver.settle();
        const seen = await scanAll(driver, 7, disturb(driver, new SeededRandom(3)));
        for (let i = 0; i < 500; i++) assert.ok(seen.has(`key ${i}`), `key ${i} was missed`);
      }),
  },
];
