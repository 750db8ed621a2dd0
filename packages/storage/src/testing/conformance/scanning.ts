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
  between: (page: readonly string[], cursor: number) => Promise<void> | void = () => {},
  start = 0,
): Promise<Set<string>> {
  const { storage } = driver;
  const seen = new Set<string>();
  let cursor = start;
  do {
    while (true) {
      const preparing = storage.prepareScan(0, cursor, count);
      if (preparing === null) break;
      await preparing;
    }
    const db = storage.database(0);
    const page: string[] = [];
    cursor = storage.scanPage(0, cursor, count, (ref) => {
      page.push(byteStringOf(db.arena.chunk(ref), db.dict.keyStart(ref), db.dict.keyLength(ref)));
    });
    for (const name of page) seen.add(name);
    assert.ok(Number.isSafeInteger(cursor), `cursor ${cursor}`);
    await between(page, cursor);
  } while (cursor !== 0);
  return seen;
}

/**
 * Writes, removals and flushes of the disk between the pages, of keys that are not asked for. `mayChange`: of these names
 * only.
 */
export function disturb(
  driver: StorageDriver,
  random: SeededRandom,
  mayChange: (name: string) => boolean = () => true,
): () => Promise<void> {
  return async () => {
    for (let i = randomBelow(random, 8); i > 0; i--) {
      const key = `other ${randomBelow(random, 300)}`;
      await driver.load({ database: 0, key: bytesOfText(key) });
      if (randomBelow(random, 2) === 0) driver.set(key, 'x');
      else driver.delete(key);
    }
    const kept = `key ${randomBelow(random, 500)}`;
    await driver.load({ database: 0, key: bytesOfText(kept) });
    if (mayChange(kept)) driver.set(kept, 'again');
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
    name: 'a scan says of each key whether it has been there, whatever comes and goes',
    run: (place) =>
      withStorage(place, async (driver) => {
        for (let i = 0; i < 500; i++) driver.set(`key ${i}`, 'value');
        driver.settle();
        await driver.storage.flush();
        const seen = new Set<string>();
        const between = disturb(driver, new SeededRandom(5));
        const look = async (page: readonly string[], cursor: number): Promise<void> => {
          for (const name of page) {
            assert.ok(!seen.has(name) || !name.startsWith('key'), `${name} was visited twice`);
            seen.add(name);
          }
          await between();
          if (cursor === 0) return;
          for (let i = 0; i < 500; i++) {
            const key = bytesOfText(`key ${i}`);
            const isScanned = driver.storage.isScanned(0, cursor, key, 0, key.length);
            assert.equal(isScanned, seen.has(`key ${i}`), `key ${i} at cursor ${cursor}`);
          }
        };
        await scanAll(driver, 7, look, driver.storage.scanStart);
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
