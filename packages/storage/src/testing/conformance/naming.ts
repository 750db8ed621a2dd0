/** Names: with those that are in memory, those of all keys, each of them once. */
import assert from 'node:assert/strict';
import { byteStringOf } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { NameSelection } from '../../key-names.js';
import type { Storage } from '../../storage.js';
import { bytesOfText, type StorageDriver } from '../storage-driver.js';
import { disturb } from './scanning.js';
import { type StorageCase, withStorage } from './storage-case.js';

export const allNames: NameSelection = { id: 'all', slot: -1, matches: () => true };

/** Those that begin with some text. */
export function namesWith(text: string): NameSelection {
  const prefix = bytesOfText(text);
  return {
    id: text,
    slot: -1,
    matches: (bytes, start, length) =>
      length >= prefix.length && prefix.equals(bytes.subarray(start, start + prefix.length)),
  };
}

/** Names and expiries of all keys that are selected: of a storage of which the others were prepared. */
export function namesIn(storage: Storage, database: number, selection: NameSelection): string[] {
  const names: string[] = [];
  const db = storage.database(database);
  const { arena, dict } = db;
  dict.forEach((ref) => {
    const [bytes, start, length] = [arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref)];
    if (!selection.matches(bytes, start, length)) return;
    names.push(`${byteStringOf(bytes, start, length)} ${db.expiry(ref)}`);
  });
  storage.coldNames(database, selection).forEach((bytes, start, length, expiryMs) => {
    names.push(`${byteStringOf(bytes, start, length)} ${expiryMs}`);
  });
  return names.sort();
}

async function prepareNames(
  { storage }: StorageDriver,
  database: number,
  selection: NameSelection,
): Promise<void> {
  const prepare = (): Promise<void> | null => storage.prepareNames(database, selection);
  for (let loading = prepare(); loading !== null; loading = prepare()) await loading;
}

export const namingCases: readonly StorageCase[] = [
  {
    name: 'the names of all keys are known, wherever they are, while others write and keys leave memory',
    run: (place) =>
      withStorage(place, async (driver) => {
        const { storage } = driver;
        for (let i = 0; i < 500; i++) driver.set(`key ${i}`, 'value', i % 3 === 0 ? 4e12 + i : 0);
        driver.settle();
        await storage.flush();
        storage.cacheBytes = 1;
        const expected = Array.from(
          { length: 500 },
          (_, i) => `key ${i} ${i % 3 === 0 ? 4e12 + i : 0}`,
        ).sort();
        const between = disturb(driver, new SeededRandom(7), (name) => name.startsWith('other'));
        for (let round = 0; round < 20; round++) {
          for (let i = 0; i < 8; i++) driver.letGo();
          const preparing = prepareNames(driver, 0, namesWith('key'));
          await between();
          await preparing;
          await prepareNames(driver, 0, namesWith('key'));
          assert.deepEqual(namesIn(storage, 0, namesWith('key')), expected);
        }
      }),
  },
  {
    name: 'names are those of the moment in which they are asked for',
    run: (place) =>
      withStorage(place, async (driver) => {
        const { storage } = driver;
        for (const key of ['a', 'b', 'c']) driver.set(key, 'value');
        driver.settle();
        await storage.flush();
        storage.cacheBytes = 1;
        for (let i = 0; i < 8; i++) driver.letGo();
        await driver.load({ database: 0, key: bytesOfText('b') });
        await prepareNames(driver, 0, allNames);
        await driver.load({ database: 0, key: bytesOfText('b') }, { database: 0, key: bytesOfText('d') });
        driver.delete('b');
        driver.set('d', 'value');
        assert.deepEqual(namesIn(storage, 0, allNames), ['a 0', 'c 0', 'd 0']);
        driver.flushDatabase();
        assert.deepEqual(namesIn(storage, 0, allNames), []);
        driver.settle();
      }),
  },
];
