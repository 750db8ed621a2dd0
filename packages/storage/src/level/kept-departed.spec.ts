import { KvError } from '@holdfast/common';
import { describe, expect, it, vi } from 'vitest';
import { Dict } from '../dict.js';
import { beginLevelLife, type LevelLife } from '../testing/level-life.js';
import { SimulatedContent } from '../testing/simulated-ordered-store.js';
import { bytesOfText } from '../testing/storage-driver.js';
import { isDepartedKey } from './kept-departed.js';

async function write({ driver, storage }: LevelLife, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) driver.set(`key ${i}`, 'x');
  driver.settle();
  await storage.flush();
}

/** How many of some keys are known without a look at the disk to be absent. */
function knownAbsent({ storage }: LevelLife, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) {
    const key = bytesOfText(`key ${i}`);
    if (storage.isResident(0, key, 0, key.length)) count++;
  }
  return count;
}

function keptRecords(content: SimulatedContent): number {
  let count = 0;
  for (const name of content.entries.keys()) if (isDepartedKey(Buffer.from(name, 'latin1'))) count++;
  return count;
}

describe('what is known of keys on the disk', () => {
  it('is kept over an orderly end: of those that left memory, and those that were in it', async () => {
    const [content, log] = [new SimulatedContent(), [] as Buffer[]];
    const first = await beginLevelLife(content, log);
    await write(first, 0, 3000);
    first.storage.cacheBytes = 1;
    for (let i = 0; i < 100; i++) first.driver.letGo();
    first.storage.cacheBytes = 0;
    await write(first, 3000, 5000);
    await first.storage.close();
    const second = await beginLevelLife(content, log);
    expect(second.storage.keyCount(0)).toBe(5000);
    expect(knownAbsent(second, 0, 5000)).toBe(0);
    expect(knownAbsent(second, 5000, 10_000)).toBeGreaterThan(4900);
    // Nothing was written: it is still true.
    const { writes } = second.store;
    await second.storage.close();
    expect(second.store.writes).toBe(writes);
    expect(knownAbsent(await beginLevelLife(content, log), 5000, 10_000)).toBeGreaterThan(4900);
  });

  it('is kept, too, when a rest of what was written stays in the log', async () => {
    const [content, log] = [new SimulatedContent(), [] as Buffer[]];
    const first = await beginLevelLife(content, log);
    await write(first, 0, 3000);
    first.storage.syncLog = async () => {};
    for (let i = 2900; i < 3100; i++) first.driver.set(`key ${i}`, 'y');
    first.driver.settle();
    const { writes } = first.store;
    await first.storage.finish();
    expect(first.store.writes).toBe(writes);
    await first.storage.close();
    const second = await beginLevelLife(content, log);
    expect(second.storage.keyCount(0)).toBe(3100);
    expect(knownAbsent(second, 0, 2900)).toBe(0);
    expect(knownAbsent(second, 5000, 10_000)).toBeGreaterThan(4900);
  });

  it('knows keys that only the log has removed, or renamed: the next life finds them when it applies that', async () => {
    const [content, log] = [new SimulatedContent(), [] as Buffer[]];
    const first = await beginLevelLife(content, log);
    await write(first, 0, 100);
    first.storage.syncLog = async () => {};
    first.driver.delete('key 1');
    first.driver.rename('key 2', 'another');
    first.driver.settle();
    const { writes } = first.store;
    await first.storage.finish();
    expect(first.store.writes).toBe(writes);
    await first.storage.close();
    expect(keptRecords(content)).toBeGreaterThan(0);
    const second = await beginLevelLife(content, log);
    expect(second.storage.keyCount(0)).toBe(99);
    expect(second.driver.get('another')).toBe('x');
    await second.storage.flush();
    // It dies, and nothing is kept: the disk says itself what it has.
    const third = await beginLevelLife(content, log);
    expect(third.storage.keyCount(0)).toBe(99);
    for (const [key, value] of [
      ['key 1', null],
      ['key 2', null],
      ['another', 'x'],
    ] as const) {
      await third.driver.load({ database: 0, key: bytesOfText(key) });
      expect(third.driver.get(key)).toBe(value);
    }
  });

  it.each([false, true])(
    'is believed of no later state, whether it could be cleared: %s',
    async (isCleared) => {
      const [content, log] = [new SimulatedContent(), [] as Buffer[]];
      const first = await beginLevelLife(content, log);
      await write(first, 0, 100);
      await first.storage.close();
      const second = await beginLevelLife(content, log);
      if (!isCleared)
        second.store.clear = async () => {
          throw new KvError('DISK', 'no room');
        };
      await write(second, 100, 200);
      expect(keptRecords(content) === 0).toBe(isCleared);
      // It dies.
      const third = await beginLevelLife(content, log);
      expect(knownAbsent(third, 0, 1000)).toBe(0);
      expect(third.storage.keyCount(0)).toBe(200);
    },
  );

  it('is of no use when a part of it is damaged, or missing', async () => {
    for (const harm of ['damaged', 'missing']) {
      const [content, log] = [new SimulatedContent(), [] as Buffer[]];
      const first = await beginLevelLife(content, log);
      await write(first, 0, 100);
      await first.storage.close();
      const names = [...content.entries.keys()].filter((name) => isDepartedKey(Buffer.from(name, 'latin1')));
      const part = names.find((name) => content.entries.get(name)!.length > 1000)!;
      if (harm === 'missing') content.delete(Buffer.from(part, 'latin1'));
      else content.entries.get(part)![100] ^= 1;
      expect(knownAbsent(await beginLevelLife(content, log), 0, 1000)).toBe(0);
    }
  });

  it('would be wrong without the keys that are in memory at the end', async () => {
    const [content, log] = [new SimulatedContent(), [] as Buffer[]];
    const first = await beginLevelLife(content, log);
    await write(first, 0, 100);
    first.storage.cacheBytes = 6400;
    for (let i = 0; i < 10; i++) first.driver.letGo();
    expect(first.storage.database(0).size).toBeGreaterThan(0);
    expect(first.storage.departures).toBeGreaterThan(0);
    vi.spyOn(Dict.prototype, 'forEachHash').mockImplementation(() => {});
    await first.storage.close();
    vi.restoreAllMocks();
    expect(knownAbsent(await beginLevelLife(content, log), 0, 100)).toBeGreaterThan(0);
  });

  it('is not kept when not everything is on the disk', async () => {
    const [content, log] = [new SimulatedContent(), [] as Buffer[]];
    const first = await beginLevelLife(content, log);
    await write(first, 0, 100);
    first.driver.set('key 100', 'x');
    first.driver.stage();
    await first.storage.close();
    expect(keptRecords(content)).toBe(0);
  });
});
