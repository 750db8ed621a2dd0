import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { MemoryStorage } from './memory-storage.js';
import { stateOf } from './testing/digest.js';
import { StorageDriver } from './testing/storage-driver.js';

const batchBytes = 64 * 1024;
const value = 'x'.repeat(20_000);

function filled(keys: number): StorageDriver {
  const options = { snapshotBatchBytes: batchBytes };
  const driver = new StorageDriver(new MemoryStorage(new SeededRandom(1), null, options));
  for (let i = 0; i < keys; i++) driver.set(`key:${i}`, value + i);
  driver.settle();
  return driver;
}

it('a batch of a snapshot has no more than one large key too many', async () => {
  const { storage } = filled(200);
  const restored = new MemoryStorage(new SeededRandom(1));
  for await (const batch of storage.snapshot()) {
    expect(batch.length).toBeLessThan(batchBytes + 2 * value.length);
    restored.apply(batch, 0);
  }
  expect(await stateOf(restored)).toEqual(await stateOf(storage));
});

it('keys of a page that come in a later batch are described as they are then', async () => {
  const driver = filled(200);
  const { storage, log } = driver;
  const restored = new MemoryStorage(new SeededRandom(1));
  const from = log.length;
  let i = 0;
  for await (const batch of storage.snapshot()) {
    restored.apply(batch, 0);
    for (const end = i + 9; i < end; i += 3) {
      driver.delete(`key:${i}`);
      driver.patch(`key:${i + 1}`, 5, 'new');
      driver.rename(`key:${i + 2}`, `later:${i}`);
    }
    driver.settle();
  }
  for (let position = from; position < log.length; position++) restored.apply(log[position], position + 1);
  expect(await stateOf(restored)).toEqual(await stateOf(storage));
});

it('a snapshot waits while a write goes on beyond its turn', async () => {
  const { storage } = filled(200);
  const end = storage.beginLongWrite();
  const batches = storage.snapshot()[Symbol.asyncIterator]();
  let isTaken = false;
  const first = batches.next().then((result) => {
    isTaken = true;
    return result;
  });
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(isTaken).toBe(false);
  end();
  expect((await first).done).toBe(false);
  await batches.return?.();
});
