/** Batches that others made. */
import assert from 'node:assert/strict';
import { SeededRandom } from '@holdfast/common/testing';
import { stateOf } from '../digest.js';
import { RandomWrites } from '../random-writes.js';
import { StorageDriver } from '../storage-driver.js';
import { writeOfEachType } from './changing.js';
import {
  applyAll,
  assertSameState,
  farFuture,
  freshMemory,
  type StorageCase,
  withStorage,
} from './storage-case.js';

/** The log of a storage that `write` was done to. */
async function logOf(write: (driver: StorageDriver) => Promise<void> | void): Promise<Buffer[]> {
  const driver = new StorageDriver(freshMemory());
  await write(driver);
  driver.settle();
  return driver.log;
}

export const applyingCases: readonly StorageCase[] = [
  {
    name: 'applied batches make the state that wrote them, expiries and versions too',
    run: async (place) => {
      const source = new StorageDriver(freshMemory());
      writeOfEachType(source);
      source.settle();
      source.set('a', '1');
      source.expire('a', farFuture);
      source.expire('string', 0);
      source.rename('a', 'b');
      source.settle();
      await withStorage(place, async ({ storage }) => {
        await applyAll(storage, source.log);
        await assertSameState(storage, source.storage);
      });
    },
  },
  {
    name: 'a batch that is applied again changes nothing',
    run: async (place) => {
      const log = await logOf((driver) => {
        driver.set('a', '1');
        driver.change('list', 'l', (list) => list.pushOne(1, Buffer.from('x'), 0, 1));
        driver.settle();
        driver.change('list', 'l', (list) => list.pushOne(1, Buffer.from('y'), 0, 1));
        driver.rename('a', 'b');
      });
      await withStorage(place, async ({ storage }) => {
        await applyAll(storage, log);
        const once = await stateOf(storage);
        await applyAll(storage, log.slice(-1));
        await assertSameState(storage, once);
      });
    },
  },
  {
    name: 'an older batch does not undo a newer one',
    run: async (place) => {
      const log = await logOf((driver) => {
        driver.set('a', 'old');
        driver.change('hash', 'h', (hash) => hash.set(Buffer.from('f'), 0, 1, Buffer.from('old'), 0, 3));
        driver.settle();
        driver.flushDatabase(0);
        driver.settle();
        driver.set('a', 'new');
        driver.change('hash', 'h', (hash) => hash.set(Buffer.from('f'), 0, 1, Buffer.from('new'), 0, 3));
      });
      await withStorage(place, async ({ storage }) => {
        await applyAll(storage, log);
        const newest = await stateOf(storage);
        await applyAll(storage, log.slice(0, 2));
        await assertSameState(storage, newest);
      });
    },
  },
  {
    name: 'the last version is known after applying',
    run: async (place) => {
      const source = new StorageDriver(freshMemory());
      source.set('a', '1');
      source.delete('a');
      source.settle();
      await withStorage(place, async ({ storage }) => {
        await applyAll(storage, source.log);
        assert.equal(storage.stamp.last, source.storage.stamp.last);
      });
    },
  },
  {
    name: 'random batches make the state that wrote them',
    run: async (place) => {
      const source = new StorageDriver(freshMemory());
      const options = { keys: 30, databases: 2, wholesale: true };
      const writes = new RandomWrites(source, new SeededRandom(3), options);
      for (let turn = 0; turn < 150; turn++) {
        for (let i = turn % 4; i >= 0; i--) await writes.next();
        source.settle();
      }
      await withStorage(place, async ({ storage }) => {
        await applyAll(storage, source.log);
        await assertSameState(storage, source.storage);
      });
    },
  },
];
