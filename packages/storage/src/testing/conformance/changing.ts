/** Changes, and what they leave: in the state, and in the journal. */
import assert from 'node:assert/strict';
import { Request, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { sides } from '../../values/list-node.js';
import { StreamIds } from '../../values/stream-ids.js';
import { TrimRule } from '../../values/stream-trim.js';
import type { StreamValue } from '../../values/stream-value.js';
import { stateOf } from '../digest.js';
import { RandomWrites } from '../random-writes.js';
import { bytesOfText, type StorageDriver } from '../storage-driver.js';
import { idOf, nextIds } from '../stream-text.js';
import { assertSameState, farFuture, type StorageCase, stateOfLog, withStorage } from './storage-case.js';

function versionOf(driver: StorageDriver, key: string): number {
  const name = bytesOfText(key);
  const db = driver.storage.database(0);
  const ref = db.find(name, 0, name.length);
  return ref === 0 ? 0 : db.version(ref);
}

/** One key of each type. */
export function writeOfEachType(driver: StorageDriver): void {
  driver.set('string', 'value', farFuture);
  driver.patch('raw', 3, 'patched');
  driver.change('hash', 'hash', (hash) => {
    for (let i = 0; i < 600; i++) {
      const field = bytesOfText(`field ${i}`);
      hash.set(field, 0, field.length, field, 0, 5);
    }
    const field = bytesOfText('field 7');
    hash.setExpiry(hash.table.find(field, 0, field.length), field, 0, field.length, farFuture);
  });
  driver.change('set', 'set', (set) => {
    for (let i = 0; i < 50; i++) set.add(bytesOfText(`member ${i}`), 0, 7 + (i % 2));
  });
  driver.change('zset', 'zset', (zset) => {
    for (let i = 0; i < 300; i++) zset.put(bytesOfText(`member ${1000 + i}`), 0, 11, i / 4);
  });
  driver.change('list', 'list', (list) => {
    const bytes = bytesOfText('x'.repeat(9000));
    for (let i = 0; i < 2000; i++) list.pushOne(i % 3 === 0 ? sides.left : sides.right, bytes, 0, i % 30);
    list.pushOne(sides.left, bytes, 0, 9000);
  });
  driver.change('stream', 'stream', (stream) => fillStream(stream));
}

/** Entries in several nodes, some of them deleted, and a group with something pending. */
function fillStream(stream: StreamValue): void {
  for (let i = 1; i <= 350; i++) {
    stream.append(idOf(`${i}-${i % 3}`), Request.of('field', `value ${i}`, 'number', String(i)), 0, 4);
  }
  stream.delete(StreamIds.of(idOf('7-1'), idOf('201-0'), idOf('350-2')));
  const rule = new TrimRule();
  rule.length = 330;
  stream.trim(rule);
  stream.createGroup('group', idOf('100'), 90);
  const group = stream.groups[0];
  const consumer = stream.createConsumer(group, 'consumer', farFuture);
  stream.createConsumer(group, 'idle', farFuture);
  stream.deliver(group, consumer, nextIds(stream, group, 120), farFuture, 210, true);
  stream.acknowledge(group, StreamIds.of(idOf('111-0')));
}

export const changingCases: readonly StorageCase[] = [
  {
    name: 'a new storage is empty',
    run: (place) =>
      withStorage(place, async ({ storage }) => {
        assert.deepEqual(await stateOf(storage), []);
        assert.equal(storage.keyCount(0), 0);
        assert.equal(storage.durablePosition, 0);
        assert.equal(storage.failure, null);
      }),
  },
  {
    name: 'strings are set, patched, replaced and removed',
    run: (place) =>
      withStorage(place, (driver) => {
        driver.set('a', 'one');
        driver.set('b', '');
        driver.set('c', 'x'.repeat(700_000));
        driver.set('a', 'two');
        driver.patch('b', 2, 'zz');
        driver.settle();
        assert.equal(driver.get('a'), 'two');
        assert.equal(driver.get('b'), '\0\0zz');
        assert.equal(driver.get('c')?.length, 700_000);
        assert.equal(driver.storage.keyCount(0), 3);
        assert.equal(driver.delete('a'), true);
        assert.equal(driver.delete('a'), false);
        driver.settle();
        assert.equal(driver.get('a'), null);
        assert.equal(driver.storage.keyCount(0), 2);
      }),
  },
  {
    name: 'every change gives its key the version of the write, and no change gives none',
    run: (place) =>
      withStorage(place, (driver) => {
        driver.set('a', '1');
        const first = versionOf(driver, 'a');
        driver.delete('missing');
        driver.expire('missing', farFuture);
        driver.expire('a', farFuture);
        assert.equal(versionOf(driver, 'a'), first + 1);
        driver.rename('a', 'b');
        assert.equal(versionOf(driver, 'b'), first + 2);
        driver.change('set', 's', (set) => {
          set.add(bytesOfText('x'), 0, 1);
          set.add(bytesOfText('y'), 0, 1);
        });
        assert.equal(versionOf(driver, 's'), first + 3);
        driver.settle();
        assert.equal(driver.storage.stamp.last, first + 3);
      }),
  },
  {
    name: 'the journal of all types of values leads to the same state elsewhere',
    run: (place) =>
      withStorage(place, async (driver) => {
        writeOfEachType(driver);
        driver.settle();
        await assertSameState(driver.storage, await stateOfLog(driver.log));
        driver.rename('hash', 'renamed');
        driver.rename('string', 'list');
        driver.expire('zset', farFuture);
        driver.change('zset', 'zset', (zset) => zset.removeRange(10, 200));
        driver.settle();
        await assertSameState(driver.storage, await stateOfLog(driver.log));
      }),
  },
  {
    name: 'databases are separate, swapped as a whole, and flushed one by one',
    run: (place) =>
      withStorage(place, async (driver) => {
        const { storage } = driver;
        driver.set('a', 'zero');
        driver.set('a', 'one', 0, 1);
        driver.set('b', 'one', 0, 1);
        driver.settle();
        const database = storage.database(0);
        driver.swap(0, 1);
        assert.ok(storage.database(1) === database);
        assert.equal(database.index, 1);
        driver.settle();
        assert.equal(driver.get('a', 0), 'one');
        assert.equal(driver.get('a', 1), 'zero');
        assert.deepEqual([storage.keyCount(0), storage.keyCount(1)], [2, 1]);
        driver.set('c', 'after');
        driver.flushDatabase(1);
        driver.settle();
        assert.deepEqual([storage.keyCount(0), storage.keyCount(1)], [3, 0]);
        await assertSameState(storage, await stateOfLog(driver.log));
      }),
  },
  {
    name: 'keys that are written, flushed and swapped in one turn end up where they belong',
    run: (place) =>
      withStorage(place, async (driver) => {
        driver.set('a', '1');
        writeOfEachType(driver);
        driver.flushDatabase(0);
        driver.set('b', '2');
        driver.swap(0, 3);
        driver.set('c', '3', 0, 0);
        driver.rename('b', 'd', 3);
        driver.stage();
        driver.flushDatabase(0);
        driver.stage();
        driver.commit();
        await assertSameState(driver.storage, await stateOfLog(driver.log));
        assert.deepEqual(
          [driver.get('c', 0), driver.get('d', 3), driver.storage.keyCount(3)],
          [null, '2', 1],
        );
      }),
  },
  {
    name: 'a removed collection gives its memory back bit by bit',
    run: (place) =>
      withStorage(place, (driver) => {
        const { storage } = driver;
        const before = storage.usedBytes;
        driver.change('hash', 'h', (hash) => {
          for (let i = 0; i < 40_000; i++) {
            const field = bytesOfText(`field ${i}`);
            hash.set(field, 0, field.length, field, 0, field.length);
          }
        });
        driver.settle();
        const full = storage.usedBytes;
        driver.delete('h');
        driver.settle();
        let rounds = 0;
        while (!storage.releaseSome(500)) rounds++;
        assert.ok(rounds >= 3, `released in ${rounds} rounds`);
        assert.ok(full - before > 1_000_000);
      }),
  },
  {
    name: 'random writes lead to the same state here and by the log',
    run: async (place) => {
      const random = new SeededRandom(77);
      await withStorage(place, async (driver) => {
        const writes = new RandomWrites(driver, random, { keys: 50, databases: 3, wholesale: true });
        for (let turn = 0; turn < 150; turn++) {
          for (let i = randomBelow(random, 6); i >= 0; i--) await writes.next();
          driver.stage();
          if (randomBelow(random, 3) > 0) driver.commit();
          if (randomBelow(random, 20) === 0) {
            driver.commit();
            await driver.storage.flush();
          }
        }
        driver.settle();
        await assertSameState(driver.storage, await stateOfLog(driver.log));
      });
    },
  },
];
