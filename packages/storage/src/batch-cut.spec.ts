import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { BatchCut } from './batch-cut.js';
import { MemoryStorage } from './memory-storage.js';
import { MutationWriter, mutationKinds } from './mutation.js';
import { bytesOfText, RandomWrites, StorageDriver, stateOf } from './testing/index.js';

function leadership(version: number): Buffer {
  const writer = new MutationWriter();
  writer.begin(mutationKinds.leadership, 0, version, bytesOfText(''), 0, 0);
  writer.field(bytesOfText('{}'), 0, 2);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

it('leaves the state at any version, of writes of all kinds, wherever batches end', async () => {
  const random = new SeededRandom(5);
  const driver = new StorageDriver(new MemoryStorage(random));
  const writes = new RandomWrites(driver, random, { keys: 12, databases: 2, wholesale: true });
  const states: { readonly version: number; readonly state: string[] }[] = [];
  for (let i = 0; i < 600; i++) {
    await writes.next();
    if (i % 7 === 0) driver.settle();
    if (i % 20 === 0)
      states.push({ version: driver.storage.stamp.last, state: await stateOf(driver.storage) });
  }
  driver.settle();
  for (const { state, version } of states) {
    const cut = new BatchCut(version);
    const storage = new MemoryStorage(random);
    for (const batch of driver.log) {
      // As a leader begins a batch now and then, with the version that it ends with.
      const records = cut.cut(Buffer.concat([leadership(driver.storage.stamp.last), batch]));
      if (records.length > 0) storage.apply(records, 0);
    }
    expect(await stateOf(storage)).toEqual(state);
  }
});

it('gives nothing of a batch that is newer, and bytes that stay', () => {
  const driver = new StorageDriver(new MemoryStorage(new SeededRandom(1)));
  driver.set('a', '1');
  const first = driver.storage.stamp.last;
  driver.set('b', '2');
  driver.settle();
  const cut = new BatchCut(first);
  const records = cut.cut(driver.log[0]);
  const copy = Buffer.from(records);
  driver.set('c', '3');
  driver.settle();
  expect(cut.cut(driver.log[1])).toHaveLength(0);
  expect(copy.equals(records)).toBe(true);
});

it('refuses a batch that is cut short', () => {
  const driver = new StorageDriver(new MemoryStorage(new SeededRandom(1)));
  driver.set('a', '1');
  driver.settle();
  const [batch] = driver.log;
  expect(() => new BatchCut(9).cut(batch.subarray(0, batch.length - 1))).toThrow('cut short');
});
