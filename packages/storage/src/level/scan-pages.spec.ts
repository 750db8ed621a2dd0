import { describe, expect, it } from 'vitest';
import { scanAll } from '../testing/conformance/scanning.js';
import { beginColdLife, type LevelLife } from '../testing/level-life.js';
import { bytesOfText } from '../testing/storage-driver.js';

const fieldCount = 200;

function fillHashes({ driver }: LevelLife, count: number): void {
  for (let i = 0; i < count; i++) {
    driver.change('hash', `hash ${i}`, (hash) => {
      for (let j = 0; j < fieldCount; j++) {
        const field = bytesOfText(`field ${j}`);
        hash.set(field, 0, field.length, field, 0, field.length);
      }
    });
  }
}

/** How many elements are in memory of the hashes of a page. */
async function elementsOf({ storage }: LevelLife, wants: 'keys' | 'values'): Promise<number[]> {
  const prepare = (): Promise<void> | null => storage.prepareScan(0, storage.scanStart, 100, wants);
  for (let loading = prepare(); loading !== null; loading = prepare()) await loading;
  const sizes: number[] = [];
  const db = storage.database(0);
  storage.scanPage(0, storage.scanStart, 100, (ref) => sizes.push(db.collection(ref).size));
  return sizes;
}

describe('a page of a scan of what is not in memory', () => {
  it('ends early where strings are large, and the scan visits every key', async () => {
    const life = await beginColdLife(({ driver }) => {
      for (let i = 0; i < 30; i++) driver.set(`key ${i}`, 'x'.repeat(1024 * 1024));
    });
    const sizes: number[] = [];
    const seen = await scanAll(life.driver, 100, (page) => void sizes.push(page.length));
    expect(seen.size).toBe(30);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5);
  });

  it('has few collections whose elements are to be loaded', async () => {
    const life = await beginColdLife((first) => fillHashes(first, 40));
    const sizes = await elementsOf(life, 'values');
    expect(sizes.length).toBeLessThanOrEqual(9);
    expect(new Set(sizes)).toEqual(new Set([fieldCount]));
  });

  it('has none of the elements of large collections, where keys alone are wanted', async () => {
    const life = await beginColdLife((first) => fillHashes(first, 40));
    const sizes = await elementsOf(life, 'keys');
    expect(sizes.length).toBe(40);
    expect(new Set(sizes)).toEqual(new Set([0]));
  });

  it('has all of them for who wants values, of the keys that another one wanted alone', async () => {
    const life = await beginColdLife((first) => fillHashes(first, 5));
    await elementsOf(life, 'keys');
    expect(await elementsOf(life, 'values')).toEqual(Array(5).fill(fieldCount));
  });
});
