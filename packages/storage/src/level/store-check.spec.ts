import { KvError, randomBelow } from '@holdfast/common';
import { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it, vi } from 'vitest';
import { damagesIn } from '../testing/damages-in.js';
import { emptyKept } from '../testing/empty-kept.js';
import { beginLevelLife } from '../testing/level-life.js';
import { RandomWrites } from '../testing/random-writes.js';
import { SimulatedContent, SimulatedOrderedStore } from '../testing/simulated-ordered-store.js';
import { StorageDriver } from '../testing/storage-driver.js';
import { Keyspace } from './keyspace.js';
import { LevelStorage } from './level-storage.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A store after many writes of all kinds, flushes and swaps among them. */
async function written(random: SeededRandom, count: number): Promise<SimulatedContent> {
  const content = new SimulatedContent();
  const env = new SimulatedEnv(1);
  env.timers.setImmediate = (callback) => void setImmediate(callback);
  const storage = await LevelStorage.over(new SimulatedOrderedStore(content), env, 'simulated');
  const driver = new StorageDriver(storage);
  const writes = new RandomWrites(driver, random, { keys: 40, databases: 3, wholesale: true });
  for (let i = 1; i <= count; i++) {
    await writes.next();
    driver.settle();
    if (i % 50 === 0) await storage.flush();
  }
  await storage.flush();
  await storage.swept();
  await storage.close();
  return content;
}

function copyOf(content: SimulatedContent): SimulatedContent {
  const copy = new SimulatedContent();
  for (const [name, value] of content.entries) copy.put(Buffer.from(name, 'latin1'), value);
  return copy;
}

describe(`a check of a store (HOLDFAST_SEED=${seed})`, () => {
  it('finds nothing in what was written, whatever was written', async () => {
    const random = new SeededRandom(seed);
    for (let life = 0; life < 10; life++) expect(await damagesIn(await written(random, 300))).toEqual([]);
  });

  it('finds every bit that is another one, in keys and in values', async () => {
    const random = new SeededRandom(seed);
    const content = await written(random, 600);
    const names = [...content.entries.keys()];
    for (let round = 0; round < 600; round++) {
      const damaged = copyOf(content);
      const name = names[randomBelow(random, names.length)];
      const key = Buffer.from(name, 'latin1');
      const value = Buffer.from(content.entries.get(name)!);
      const at = randomBelow(random, key.length + value.length);
      const bytes = at < key.length ? key : value;
      bytes[at < key.length ? at : at - key.length] ^= 1 << randomBelow(random, 8);
      damaged.delete(Buffer.from(name, 'latin1'));
      damaged.put(key, value);
      expect(await damagesIn(damaged), `${JSON.stringify(name)}, byte ${at}`).not.toEqual([]);
    }
  });

  it('misses keys and expiries that are gone', async () => {
    const content = await written(new SeededRandom(seed), 600);
    for (const name of [...content.entries.keys()].filter((each) => /^[dxm]/.test(each))) {
      const damaged = copyOf(content);
      damaged.delete(Buffer.from(name, 'latin1'));
      expect(await damagesIn(damaged), JSON.stringify(name)).not.toEqual([]);
    }
  });

  describe('of what an orderly end keeps of keys on the disk', () => {
    /** Of 20 keys the log removes one and renames another, which the disk still has. */
    async function kept(): Promise<SimulatedContent> {
      const content = new SimulatedContent();
      const { driver, storage } = await beginLevelLife(content);
      for (let i = 0; i < 20; i++) driver.set(`key ${i}`, 'x');
      driver.settle();
      await storage.flush();
      storage.syncLog = async () => {};
      driver.delete('key 1');
      driver.rename('key 2', 'another');
      driver.settle();
      await storage.finish();
      await storage.close();
      return content;
    }

    it('finds nothing when it has all of them, those that the log removes among them', async () => {
      expect(await damagesIn(await kept())).toEqual([]);
    });

    it('names each key that it lacks: a start would take it for absent', async () => {
      const content = await kept();
      expect(await emptyKept(new SimulatedOrderedStore(content))).toBe(1);
      const damages = await damagesIn(content);
      expect(damages).toHaveLength(20);
      for (let i = 0; i < 20; i++)
        expect(damages.join('\n')).toMatch(new RegExp(`database 0, key "key ${i}": .* lacks it`));
    });

    it('names a key that only the log removed, when that was left out of it', async () => {
      const left = vi.spyOn(Keyspace.prototype, 'forEachRemovedHash').mockImplementation(() => {});
      const content = await kept().finally(() => left.mockRestore());
      expect((await damagesIn(content)).sort()).toEqual([
        expect.stringMatching(/key "key 1": .* lacks it/),
        expect.stringMatching(/key "key 2": .* lacks it/),
      ]);
    });

    it('does not mind what a start does not believe: that of another state', async () => {
      const content = await kept();
      expect(await emptyKept(new SimulatedOrderedStore(content))).toBe(1);
      const { driver, storage, store } = await beginLevelLife(content);
      store.clear = async () => {
        throw new KvError('DISK', 'no room');
      };
      driver.set('key 20', 'x');
      driver.settle();
      await storage.flush();
      expect(await damagesIn(content)).toEqual([
        expect.stringMatching(/^note, the store: .* of no use any more/),
      ]);
    });
  });
});
