/** What is to be written is written in time, whatever little of it a write says. */
import { describe, expect, it } from 'vitest';
import { beginColdLife, beginLevelLife, type LevelLife } from '../testing/level-life.js';
import { SimulatedContent } from '../testing/simulated-ordered-store.js';
import { bytesOfText } from '../testing/storage-driver.js';

const mebibyte = 1024 * 1024;
const long = 'x'.repeat(mebibyte);

/** Others have their turn: no time passes. */
async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A byte more. */
function append({ driver }: LevelLife, key: string, at: number = mebibyte): void {
  driver.patch(key, at, 'x');
  driver.settle();
}

describe('long strings of which a byte is changed', () => {
  it('do not gather in memory beyond its bound until the time has come to write them', async () => {
    const count = 60;
    const life = await beginColdLife(({ driver }) => {
      for (let i = 0; i < count; i++) driver.set(`long:${i}`, long);
    });
    const { storage, driver } = life;
    storage.cacheBytes = 8 * mebibyte;
    let most = 0;
    for (let i = 0; i < count; i++) {
      await driver.load({ database: 0, key: bytesOfText(`long:${i}`) });
      append(life, `long:${i}`);
      await turns();
      most = Math.max(most, storage.usedBytes - storage.pendingBytes);
    }
    expect(most).toBeLessThan(24 * mebibyte);
    expect(storage.keyCount(0)).toBe(count);
  });

  it('are not all written at once when there is no bound', async () => {
    const life = await beginLevelLife(new SimulatedContent());
    const { storage, driver } = life;
    const count = 300;
    for (let i = 0; i < count; i++) {
      driver.set(`long:${i}`, long);
      driver.settle();
      await turns(2);
    }
    await storage.flush();
    let most = 0;
    for (let i = 0; i < count; i++) {
      append(life, `long:${i}`);
      most = Math.max(most, storage.pendingBytes);
      await turns(2);
    }
    const flushing = storage.flush();
    most = Math.max(most, storage.pendingBytes);
    await flushing;
    expect(most).toBeLessThan(200 * mebibyte);
  });

  it('are written once, and not again and again, where it is one', async () => {
    const life = await beginLevelLife(new SimulatedContent(), [], 8 * mebibyte);
    const { driver, storage, store } = life;
    driver.set('long', long.repeat(16));
    driver.settle();
    await storage.flush();
    const { writes } = store;
    for (let i = 0; i < 50; i++) {
      append(life, 'long', i);
      await turns(1);
    }
    expect(store.writes - writes).toBeLessThan(5);
  });
});

it('what waits for the disk when its bound is lowered does not hold up writers until a timer ends', async () => {
  const { driver, storage } = await beginLevelLife(new SimulatedContent());
  for (let i = 0; i < 20; i++) {
    driver.set(`key:${i}`, long);
    driver.settle();
  }
  expect(storage.durablePosition).toBe(0);
  storage.cacheBytes = 1;
  await turns(200);
  expect(storage.durablePosition).toBe(20);
  expect(storage.admitWrite()).toBeNull();
});

it('nothing is on the disk of the storage before it is on that of the log: a power cut left a state beyond its log', async () => {
  const { driver, storage, store } = await beginLevelLife(new SimulatedContent());
  const syncs: { resolve: () => void; reject: (error: Error) => void }[] = [];
  storage.syncLog = () => new Promise((resolve, reject) => syncs.push({ resolve, reject }));
  const { writes } = store;
  driver.set('k', 'v');
  driver.settle();
  const flushing = storage.flush();
  await turns();
  expect(store.writes).toBe(writes);
  expect(storage.durablePosition).toBe(0);
  syncs[0].reject(new Error('EIO'));
  await expect(flushing).rejects.toThrow('EIO');
  expect(store.writes).toBe(writes);
  storage.syncLog = null;
  await storage.close();
});

describe('what came since the last set was written', () => {
  /** So many ms later, in steps, as timers begin others. */
  async function later({ env }: LevelLife, ms: number): Promise<void> {
    for (let waited = 0; waited < ms; waited += 1000) {
      env.advance(1000);
      await turns(5);
    }
  }

  it('is written after a while when there is no log that has it, however little it is', async () => {
    const life = await beginLevelLife(new SimulatedContent());
    life.driver.set('k', 'v');
    life.driver.settle();
    await later(life, 30_000);
    expect(life.storage.pendingBytes).toBe(0);
  });

  it('stays in a log while it is little, and else is written when nothing comes any more', async () => {
    const life = await beginLevelLife(new SimulatedContent());
    const { driver, storage, store } = life;
    storage.syncLog = async () => {};
    const { writes } = store;
    const write = (i: number): void => {
      driver.set(`key:${i}`, long);
      driver.settle();
    };
    write(0);
    await later(life, 60_000);
    expect(store.writes).toBe(writes);
    for (let i = 1; i < 10; i++) {
      await later(life, 5000);
      write(i);
    }
    expect(store.writes).toBe(writes);
    await later(life, 30_000);
    expect(store.writes).toBe(writes + 1);
    expect(storage.pendingBytes).toBe(0);
  });

  it('is written in time when it is the same key again and again: the log grew, and nothing else', async () => {
    const life = await beginLevelLife(new SimulatedContent());
    const { driver, storage, store } = life;
    storage.syncLog = async () => {};
    const { writes } = store;
    for (let i = 0; i < 300; i++) {
      driver.set('key', long);
      driver.settle();
      await later(life, 1000);
    }
    expect(store.writes).toBeGreaterThanOrEqual(writes + 2);
    expect(storage.durablePosition).toBeGreaterThan(100);
  });
});

it('lists that were on the disk only, and get an element each, do not gather in memory until the time has come', async () => {
  const count = 60;
  const push = ({ driver }: LevelLife, i: number, element: string): void => {
    const bytes = bytesOfText(element);
    driver.change('list', `list:${i}`, (list) => list.pushOne(1, bytes, 0, bytes.length));
    driver.settle();
  };
  const life = await beginColdLife((first) => {
    for (let i = 0; i < count; i++) for (let j = 0; j < 64; j++) push(first, i, long.slice(0, 16 * 1024));
  });
  const { storage, driver } = life;
  storage.cacheBytes = 8 * mebibyte;
  let most = 0;
  for (let i = 0; i < count; i++) {
    await driver.load({ database: 0, key: bytesOfText(`list:${i}`) });
    push(life, i, 'one more');
    await turns();
    most = Math.max(most, storage.usedBytes - storage.pendingBytes);
  }
  expect(most).toBeLessThan(24 * mebibyte);
});
