import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { BatchWrites, firstVersionOf } from './batch-writes.js';
import { MemoryStorage } from './memory-storage.js';
import { MutationWriter, mutationKinds } from './mutation.js';
import { bytesOfText, RandomWrites, StorageDriver, stateOf } from './testing/index.js';

function leadership(version: number): Buffer {
  const writer = new MutationWriter();
  writer.begin(mutationKinds.leadership, 0, version, bytesOfText(''), 0, 0);
  writer.field(bytesOfText('{}'), 0, 2);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

it('tells the writes of all kinds apart, which together are the batches', async () => {
  const random = new SeededRandom(6);
  const driver = new StorageDriver(new MemoryStorage(random));
  const writes = new RandomWrites(driver, random, { keys: 12, databases: 2, wholesale: true });
  for (let i = 0; i < 400; i++) {
    await writes.next();
    if (i % 7 === 0) driver.settle();
  }
  driver.settle();
  const reader = new BatchWrites();
  const storage = new MemoryStorage(random);
  let last = 0;
  for (const batch of driver.log) {
    const parts: Uint8Array[] = [];
    expect(firstVersionOf(batch)).toBeGreaterThan(last);
    for (const { version, start, end } of reader.of(batch)) {
      expect(version).toBeGreaterThan(last);
      last = version;
      parts.push(batch.subarray(start, end));
      storage.apply(batch.subarray(start, end), 0);
    }
    expect(reader.lastVersion(batch)).toBe(last);
    expect(Buffer.concat(parts).equals(batch)).toBe(true);
  }
  expect(last).toBe(driver.storage.stamp.last);
  expect(await stateOf(storage)).toEqual(await stateOf(driver.storage));
});

it('passes over who writes the log', () => {
  const driver = new StorageDriver(new MemoryStorage(new SeededRandom(1)));
  driver.set('a', '1');
  driver.settle();
  const [batch] = driver.log;
  const said = leadership(9);
  const reader = new BatchWrites();
  const { length } = said;
  expect([...reader.of(Buffer.concat([said, batch, said]))]).toEqual([
    { version: driver.storage.stamp.last, start: length, end: length + batch.length },
  ]);
  expect([...reader.of(said)]).toEqual([]);
  expect(reader.lastVersion(said)).toBe(0);
});
