/** Storages with a disk of their own: what they find there, with the log, is the state. */
import assert from 'node:assert/strict';
import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { stateOf } from '../digest.js';
import { RandomWrites } from '../random-writes.js';
import { bytesOfText } from '../storage-driver.js';
import { writeOfEachType } from './changing.js';
import { disturb, scanAll } from './scanning.js';
import { checkFuzzySnapshot } from './snapshots.js';
import { assertSameState, farFuture, type StorageCase, stateOfLog, withStorage } from './storage-case.js';

export const reopeningCases: readonly StorageCase[] = [
  {
    name: 'what was flushed is there without the log, and the position says so',
    run: async (place) => {
      const log: Buffer[] = [];
      let state: string[] = [];
      await withStorage(
        place,
        async (driver) => {
          writeOfEachType(driver);
          driver.settle();
          driver.rename('list', 'renamed list');
          driver.swap(0, 2);
          driver.set('a', '1');
          driver.settle();
          await driver.storage.flush();
          assert.equal(driver.storage.durablePosition, 2);
          state = await stateOf(driver.storage);
        },
        log,
      );
      await withStorage(
        place,
        async ({ storage }) => {
          assert.equal(storage.durablePosition, 2);
          assert.equal(storage.stamp.last, log.length === 0 ? 0 : storage.stamp.last);
          assert.deepEqual([storage.keyCount(0), storage.keyCount(2)], [1, 7]);
          await assertSameState(storage, state);
        },
        log,
      );
    },
  },
  {
    name: 'close writes what was committed',
    run: async (place) => {
      const log: Buffer[] = [];
      await withStorage(
        place,
        async (driver) => {
          driver.set('a', '1');
          driver.settle();
        },
        log,
      );
      await withStorage(
        place,
        async ({ storage }) => {
          assert.equal(storage.durablePosition, 1);
          assert.equal(storage.keyCount(0), 1);
        },
        log,
      );
    },
  },
  {
    name: 'what was not committed is never on the disk',
    run: async (place) => {
      const log: Buffer[] = [];
      await withStorage(
        place,
        async (driver) => {
          driver.set('a', 'committed');
          driver.settle();
          await driver.storage.flush();
          driver.set('a', 'staged');
          driver.set('b', 'staged');
          driver.stage();
        },
        log,
      );
      log.length = 1;
      await withStorage(
        place,
        async (driver) => {
          assert.equal(driver.storage.keyCount(0), 1);
          await driver.load({ database: 0, key: bytesOfText('a') }, { database: 0, key: bytesOfText('b') });
          assert.deepEqual([driver.get('a'), driver.get('b')], ['committed', null]);
        },
        log,
      );
    },
  },
  {
    name: 'keys are loaded one by one, with version and expiry; those that are not there are known then',
    run: async (place) => {
      const log: Buffer[] = [];
      let before: string[] = [];
      await withStorage(
        place,
        async (driver) => {
          writeOfEachType(driver);
          driver.settle();
          before = await stateOf(driver.storage);
        },
        log,
      );
      await withStorage(
        place,
        async (driver) => {
          const { storage } = driver;
          for (const key of ['zset', 'missing', 'string', 'list', 'raw', 'hash', 'set']) {
            const name = bytesOfText(key);
            const twice = [
              storage.load([{ database: 0, key: name }]),
              storage.load([{ database: 0, key: name }]),
            ];
            await Promise.all(twice);
            assert.ok(storage.isResident(0, name, 0, name.length), key);
          }
          assert.equal(driver.get('string'), 'value');
          assert.equal(driver.get('missing'), null);
          assert.equal(storage.keyCount(0), 7);
          await assertSameState(storage, before);
        },
        log,
      );
    },
  },
  {
    name: 'a key that was removed does not come back from the disk',
    run: async (place) => {
      const log: Buffer[] = [];
      await withStorage(
        place,
        (driver) => {
          for (const key of ['a', 'b', 'c', 'd']) driver.set(key, 'old');
          driver.settle();
        },
        log,
      );
      await withStorage(
        place,
        async (driver) => {
          for (const key of ['a', 'b', 'c']) await driver.load({ database: 0, key: bytesOfText(key) });
          driver.delete('a');
          driver.rename('b', 'c');
          await driver.load({ database: 0, key: bytesOfText('a') }, { database: 0, key: bytesOfText('b') });
          assert.deepEqual([driver.get('a'), driver.get('b')], [null, null]);
          driver.stage();
          await driver.load({ database: 0, key: bytesOfText('a') });
          assert.equal(driver.get('a'), null);
          driver.commit();
          await driver.storage.flush();
          await driver.load({ database: 0, key: bytesOfText('a') });
          assert.equal(driver.get('a'), null);
          assert.equal(driver.storage.keyCount(0), 2);
          const loading = driver.storage.load([{ database: 0, key: bytesOfText('d') }]);
          driver.flushDatabase(0);
          driver.settle();
          await loading;
          assert.equal(driver.get('d'), null);
          await assertSameState(driver.storage, []);
        },
        log,
      );
    },
  },
  {
    name: 'keys that expired while nobody looked are found',
    run: async (place) => {
      const log: Buffer[] = [];
      await withStorage(
        place,
        (driver) => {
          for (let i = 0; i < 300; i++) driver.set(`key ${i}`, 'x', farFuture + i);
          driver.expire('key 5', 0);
          driver.expire('key 6', farFuture + 100_000);
          driver.rename('key 7', 'seven');
          driver.set('key 8', 'y');
          driver.settle();
        },
        log,
      );
      await withStorage(
        place,
        async (driver) => {
          const { storage } = driver;
          await storage.prepareExpired(farFuture - 1);
          assert.equal(storage.database(0).size, 0);
          while (true) {
            const preparing = storage.prepareExpired(farFuture + 199);
            if (preparing === null) break;
            await preparing;
            driver.write((db) => {
              for (;;) {
                const ref = db.expiries.next(farFuture + 199);
                if (ref === 0) break;
                if (ref > 0) db.remove(ref);
              }
            });
            driver.settle();
          }
          assert.equal(storage.keyCount(0), 103);
          await driver.load(
            { database: 0, key: bytesOfText('key 6') },
            { database: 0, key: bytesOfText('seven') },
          );
          assert.deepEqual([driver.get('key 6'), driver.get('seven')], ['x', null]);
        },
        log,
      );
    },
  },
  {
    name: 'a scan over keys that are not in memory visits those that are there all the time',
    run: async (place) => {
      const log: Buffer[] = [];
      const write = (driver: { set(key: string, value: string): void; settle(): void }) => {
        for (let i = 0; i < 500; i++) driver.set(`key ${i}`, 'value');
        driver.settle();
      };
      await withStorage(place, write, log);
      for (const count of [1, 7, 100]) {
        await withStorage(
          place,
          async (driver) => {
            driver.set('before', 'x');
            driver.settle();
            const seen = await scanAll(driver, count, disturb(driver, new SeededRandom(count)));
            for (let i = 0; i < 500; i++) assert.ok(seen.has(`key ${i}`), `key ${i} was missed`);
            assert.ok(seen.has('before'));
          },
          log,
        );
      }
    },
  },
  {
    name: 'a snapshot has the keys that are not in memory',
    run: async (place) => {
      const log: Buffer[] = [];
      const random = new SeededRandom(21);
      const options = { keys: 200, databases: 2, wholesale: false };
      await withStorage(
        place,
        async (driver) => {
          const writes = new RandomWrites(driver, random, options);
          for (let i = 0; i < 400; i++) await writes.next();
          for (let i = 0; i < 20; i++) driver.set(`large ${i}`, 'x'.repeat(100_000));
          driver.settle();
        },
        log,
      );
      await withStorage(
        place,
        async (driver) => {
          const writes = new RandomWrites(driver, random, options);
          for (let i = 0; i < 30; i++) await writes.next();
          driver.settle();
          await checkFuzzySnapshot(driver, async () => {
            for (let i = randomBelow(random, 20); i >= 0; i--) await writes.next();
            driver.settle();
            if (randomBelow(random, 3) === 0) await driver.storage.flush();
          });
        },
        log,
      );
    },
  },
  {
    name: 'applied batches change keys that are not in memory',
    run: async (place) => {
      const log: Buffer[] = [];
      await withStorage(
        place,
        async (driver) => {
          writeOfEachType(driver);
          driver.settle();
        },
        log,
      );
      let expected: string[] = [];
      await withStorage(
        place,
        async (driver) => {
          await stateOf(driver.storage);
          driver.rename('hash', 'other');
          driver.change('hash', 'other', (hash) => hash.remove(bytesOfText('field 3'), 0, 7));
          driver.change('list', 'list', (list) => list.pop(0, 500));
          driver.swap(0, 1);
          driver.delete('set', 1);
          driver.stage();
          expected = await stateOf(driver.storage);
        },
        log,
      );
      await withStorage(place, ({ storage }) => assertSameState(storage, expected), log);
      assert.deepEqual(await stateOfLog(log), expected);
    },
  },
  {
    name: 'over many lives, disk and log together are the state',
    run: async (place) => {
      const log: Buffer[] = [];
      const random = new SeededRandom(4711);
      for (let life = 0; life < 5; life++) {
        await withStorage(
          place,
          async (driver) => {
            const writes = new RandomWrites(driver, random, { keys: 60, databases: 3, wholesale: true });
            for (let turn = 0; turn < 50; turn++) {
              for (let i = randomBelow(random, 5); i >= 0; i--) await writes.next();
              driver.settle();
              if (randomBelow(random, 10) === 0) await driver.storage.flush();
            }
          },
          log,
        );
      }
      const expected = await stateOfLog(log);
      await withStorage(place, ({ storage }) => assertSameState(storage, expected), log);
      const keys = expected.filter((line) => line.startsWith('0 ')).length;
      await withStorage(place, ({ storage }) => assert.equal(storage.keyCount(0), keys), log);
    },
  },
];
