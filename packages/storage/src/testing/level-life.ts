/** Level storage over a simulated disk, for one life of a process: what a crash or an end leaves is in `content` and `log`. */
import { SimulatedEnv } from '@holdfast/common/testing';
import { LevelStorage } from '../level/level-storage.js';
import { SimulatedContent, SimulatedOrderedStore } from './simulated-ordered-store.js';
import { StorageDriver } from './storage-driver.js';

export interface LevelLife {
  readonly storage: LevelStorage;
  readonly driver: StorageDriver;
  readonly store: SimulatedOrderedStore;
  readonly env: SimulatedEnv;
}

/** Time stands still; what is to be done later in a turn is done in Node's next one. */
export function levelEnv(): SimulatedEnv {
  const env = new SimulatedEnv(1);
  env.timers.setImmediate = (callback) => void setImmediate(callback);
  return env;
}

/** Opens what the disk has, and applies what the log has beyond it; `cacheBytes`: from the beginning. */
export async function beginLevelLife(
  content: SimulatedContent,
  log: Buffer[] = [],
  cacheBytes = 0,
): Promise<LevelLife> {
  const env = levelEnv();
  const store = new SimulatedOrderedStore(content);
  const storage = await LevelStorage.over(store, env, 'simulated');
  storage.cacheBytes = cacheBytes;
  const driver = new StorageDriver(storage, log);
  await driver.recover();
  return { storage, driver, store, env };
}

/** A life in which nothing is in memory: what `fill` wrote in the one before is on the disk. */
export async function beginColdLife(fill: (life: LevelLife) => void): Promise<LevelLife> {
  const content = new SimulatedContent();
  const first = await beginLevelLife(content);
  fill(first);
  first.driver.settle();
  await first.storage.flush();
  return beginLevelLife(content, first.driver.log);
}
