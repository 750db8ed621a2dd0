import { expect, it, vi } from 'vitest';
import { applyAll } from '../testing/conformance/storage-case.js';
import { beginLevelLife, levelEnv } from '../testing/level-life.js';
import { SimulatedContent, SimulatedOrderedStore } from '../testing/simulated-ordered-store.js';
import { bytesOfText, StorageDriver } from '../testing/storage-driver.js';
import { LevelStorage } from './level-storage.js';

/** What the disk has of some keys, and the batches that a process then wrote before it was killed. */
async function killedAfter(
  write: (driver: StorageDriver) => void,
): Promise<{ content: SimulatedContent; log: Buffer[] }> {
  const content = new SimulatedContent();
  const { driver, storage } = await beginLevelLife(content);
  for (const key of ['a', 'b', 'c', 'd']) driver.set(key, 'old');
  driver.set('expiring', 'old', 1e15);
  driver.change('set', 'collection', (set) => set.add(bytesOfText('member'), 0, 6));
  driver.settle();
  await storage.flush();
  write(driver);
  driver.settle();
  return { content, log: driver.log };
}

async function open(content: SimulatedContent) {
  const store = new SimulatedOrderedStore(content);
  const reads = vi.fn();
  const { getMany, getNow } = { getMany: store.getMany.bind(store), getNow: store.getNow.bind(store) };
  store.getNow = (key) => {
    reads();
    return getNow(key);
  };
  store.getMany = (keys) => {
    if (keys.length > 0) reads();
    return getMany(keys);
  };
  const storage = await LevelStorage.over(store, levelEnv(), 'simulated');
  reads.mockClear();
  return { reads, storage };
}

async function keysAfterReopening(content: SimulatedContent): Promise<number> {
  const { storage } = await open(content);
  return storage.keyCount(0);
}

it('looks on the disk for no key of which the log says what it was', async () => {
  const { content, log } = await killedAfter((driver) => {
    driver.set('a', 'new');
    driver.set('new', '1');
    driver.settle();
    driver.set('new', '2');
    driver.set('a', 'newer');
  });
  const { reads, storage } = await open(content);
  const driver = new StorageDriver(storage, log);
  await driver.recover();
  expect(reads).not.toHaveBeenCalled();
  expect([driver.get('a'), driver.get('new'), storage.keyCount(0)]).toEqual(['newer', '2', 7]);
  await storage.flush();
  expect(await keysAfterReopening(content)).toBe(7);
});

it('counts keys that were removed, renamed, made again or flushed before they were put', async () => {
  const { content, log } = await killedAfter((driver) => {
    driver.delete('a');
    driver.set('a', 'again');
    driver.rename('b', 'c');
    driver.set('c', 'put over what moved here');
    driver.set('b', 'again');
    driver.set('expiring', 'for ever');
    driver.expire('d', 2e15);
    driver.set('d', 'for ever');
    driver.settle();
    driver.set('collection', 'a string now');
    driver.set('elsewhere', '1', 0, 1);
    driver.swap(0, 1);
    driver.set('elsewhere', '2');
    driver.set('new', '1');
    driver.flushDatabase();
    driver.set('new', '2');
    driver.swap(0, 1);
  });
  const { storage } = await open(content);
  const driver = new StorageDriver(storage, log);
  await driver.recover();
  expect([storage.keyCount(0), storage.keyCount(1)]).toEqual([6, 1]);
  await storage.flush();
  expect(await keysAfterReopening(content)).toBe(6);
  const reopened = await open(content);
  expect(reopened.storage.keyCount(1)).toBe(1);
  const keys = ['a', 'b', 'c', 'd', 'expiring', 'collection'];
  const later = new StorageDriver(reopened.storage, log);
  await later.load(...keys.map((key) => ({ database: 0, key: bytesOfText(key) })));
  expect(keys.map((key) => later.get(key))).toEqual([
    'again',
    'again',
    'put over what moved here',
    'for ever',
    'for ever',
    'a string now',
  ]);
});

it('looks for them all the same over a state that may be a later one', async () => {
  const { content, log } = await killedAfter((driver) => {
    driver.set('a', 'new');
    driver.settle();
    driver.delete('a');
  });
  const { storage: later } = await open(content);
  await new StorageDriver(later, log).recover();
  await later.flush();
  const { storage } = await open(content);
  await applyAll(storage, log.slice(1), 2);
  expect(storage.keyCount(0)).toBe(5);
  await storage.flush();
  expect(await keysAfterReopening(content)).toBe(5);
});
