import { describe, expect, it } from 'vitest';
import type { KeyName } from '../storage.js';
import { beginColdLife, type LevelLife } from '../testing/level-life.js';
import { bytesOfText } from '../testing/storage-driver.js';

const manyCount = 10_000;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const nameOf = (kind: string, i: number): KeyName => ({ database: 0, key: bytesOfText(`${kind} ${i}`) });
const many = Array.from({ length: manyCount }, (_, i) => nameOf('many', i));

/** All keys are on the disk, and read by other threads. */
async function begin(): Promise<LevelLife> {
  const life = await beginColdLife(({ driver }) => {
    for (let i = 0; i < manyCount; i++) driver.set(`many ${i}`, 'x');
    driver.set('few 0', 'x');
  });
  life.store.readsNow = false;
  return life;
}

describe('who asks for few keys', () => {
  it('does not wait for all that another one asked for before', async () => {
    const { storage, store } = await begin();
    let reads = 0;
    const getMany = store.getMany.bind(store);
    store.getMany = (keys) => {
      reads++;
      return getMany(keys);
    };
    const loading = storage.loadSome(many);
    await storage.loadSome([nameOf('few', 0)]);
    expect(reads).toBeLessThan(6);
    await loading;
    expect(reads).toBeGreaterThan(manyCount / 1000);
    expect(storage.database(0).size).toBe(manyCount + 1);
  });

  it('does not keep those from going on who ask for many', async () => {
    const { storage, store } = await begin();
    const getMany = store.getMany.bind(store);
    // So that whenever one is over others wait, of both kinds.
    store.getMany = async (keys) => {
      for (let turn = 0; turn < 3; turn++) await nextTurn();
      return getMany(keys);
    };
    let isLoaded = false;
    const loading = storage.loadSome(many)?.then(() => {
      isLoaded = true;
    });
    for (let turn = 0; turn < 150 && !isLoaded; turn++) {
      // More than one read takes.
      for (let i = 0; i < 600; i += 60) {
        void storage.loadSome(Array.from({ length: 60 }, (_, j) => nameOf(`none ${turn}`, i + j)));
      }
      await nextTurn();
    }
    expect(isLoaded).toBe(true);
    await loading;
  });
});
