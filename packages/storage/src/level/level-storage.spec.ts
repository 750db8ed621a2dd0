import { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../memory-storage.js';
import { stateOf } from '../testing/digest.js';
import { RandomWrites } from '../testing/random-writes.js';
import { SimulatedContent, SimulatedOrderedStore } from '../testing/simulated-ordered-store.js';
import { StorageDriver } from '../testing/storage-driver.js';
import { LevelStorage } from './level-storage.js';

function env(seed = 1): SimulatedEnv {
  const simulated = new SimulatedEnv(seed);
  simulated.timers.setImmediate = (callback) => void setImmediate(callback);
  return simulated;
}

async function replayed(log: readonly Buffer[]): Promise<string[]> {
  const memory = new MemoryStorage(new SeededRandom(9));
  for (const [i, batch] of log.entries()) memory.apply(batch, i + 1);
  return stateOf(memory);
}

describe('LevelStorage', () => {
  it('after the death of the process, disk and log together are the state', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = new SeededRandom(seed);
      const content = new SimulatedContent();
      const log: Buffer[] = [];
      for (let life = 0; life < 4; life++) {
        const storage = await LevelStorage.over(new SimulatedOrderedStore(content), env(seed), 'place');
        const driver = new StorageDriver(storage, log);
        await driver.recover();
        const writes = new RandomWrites(driver, random, { keys: 40, databases: 3, wholesale: true });
        for (let turn = 0; turn < 60; turn++) {
          for (let i = random.uint32() % 4; i >= 0; i--) await writes.next();
          driver.settle();
          if (random.uint32() % 5 === 0) await storage.flush();
        }
        if (life % 2 === 0) await storage.flush();
      }
      const storage = await LevelStorage.over(new SimulatedOrderedStore(content), env(seed), 'place');
      const driver = new StorageDriver(storage, log);
      await driver.recover();
      expect(await stateOf(storage), `seed ${seed}`).toEqual(await replayed(log));
    }
  });
});
