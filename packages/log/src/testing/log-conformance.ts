/**
 * What every Log must do, as a list of named cases. An implementation's whole spec:
 *
 *     for (const { name, run } of logConformance) {
 *       it(name, async () => run(await makeStore()));
 *     }
 *
 * Each case gets a store of its own, and opens the log in it once or, with a close between, several times.
 */
import assert from 'node:assert/strict';
import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { AppendOutcome, Log } from '../log.js';
import {
  appendMany,
  assertCommitted,
  assertHolds,
  assertRefused,
  assertSame,
  assertThrows,
  batchOf,
  entriesOf,
} from './assertions.js';

/** A durable place for one log: what is opened finds what was closed. */
export interface LogStore {
  open(): Promise<Log>;
}

export interface LogCase {
  readonly name: string;
  run(store: LogStore): Promise<void>;
}

const appending: LogCase[] = [
  {
    name: 'a new log is empty',
    async run(store) {
      const log = await store.open();
      assert.equal(await log.tail(), 0);
      assert.equal(await log.head(), 1);
      assert.equal(log.committedPosition, 0);
      assert.deepEqual(await entriesOf(log, 1), []);
      await log.close();
    },
  },
  {
    name: 'positions are contiguous from 1, and entries are read in order with their epochs',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 3, 7);
      await appendMany(log, 2, 9);
      await assertHolds(log, 1, 5);
      assert.deepEqual(
        (await entriesOf(log, 1)).map(({ epoch }) => epoch),
        [7, 7, 7, 9, 9],
      );
      await log.close();
    },
  },
  {
    name: 'batches of all lengths come back as they were',
    async run(store) {
      const log = await store.open();
      const lengths = [0, 1, 7, 8, 9, 4095, 65_536, 65_537, 300_000, 3_000_000];
      for (const length of lengths)
        assert.equal((await log.append(batchOf(length, length), await log.tail(), 1)).kind, 'committed');
      const entries = await entriesOf(log, 1);
      assert.equal(entries.length, lengths.length);
      lengths.forEach((length, i) => {
        assertSame(entries[i].batch, batchOf(length, length), i + 1);
      });
      await log.close();
    },
  },
  {
    name: 'the buffer of a batch may be used again once append has returned',
    async run(store) {
      const log = await store.open();
      for (const length of [50, 100_000]) {
        const buffer = batchOf(length, length);
        const after = await log.tail();
        const appended = log.append(buffer, after, 1);
        buffer.fill(0xee);
        assertCommitted(await appended, after + 1);
        assertSame((await entriesOf(log, after + 1))[0].batch, batchOf(length, length), after + 1);
      }
      await log.close();
    },
  },
  {
    name: 'a batch that was read belongs to the reader',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 3);
      for (const { batch } of await entriesOf(log, 1)) batch.fill(0xee);
      await assertHolds(log, 1, 3);
      await log.close();
    },
  },
  {
    name: 'appends may follow one another before they resolve, and resolve in order',
    async run(store) {
      const log = await store.open();
      const resolved: number[] = [];
      const outcomes = Array.from({ length: 50 }, async (_, i) => {
        const outcome = await log.append(batchOf(i + 1, 100), i, 1);
        resolved.push(i);
        assertCommitted(outcome, i + 1);
        assert.ok(log.committedPosition >= i + 1);
      });
      await Promise.all(outcomes);
      assert.deepEqual(
        resolved,
        Array.from({ length: 50 }, (_, i) => i),
      );
      await assertHolds(log, 1, 50);
      await log.close();
    },
  },
  {
    name: 'appendSync, where there is one, does what append does or nothing',
    async run(store) {
      const log = await store.open();
      for (let after = 0; after < 10; after++) {
        const buffer = batchOf(after + 1, 100);
        const outcome = log.appendSync?.(buffer, after, 1) ?? null;
        if (outcome === null) {
          assertCommitted(await log.append(buffer, after, 1), after + 1);
        } else {
          assertCommitted(outcome, after + 1);
          assert.equal(log.committedPosition, after + 1);
          assertRefused(log.appendSync!(buffer, after, 1)!, 'position', after + 1);
        }
        buffer.fill(0xee);
      }
      await assertHolds(log, 1, 10);
      await log.close();
    },
  },
  {
    name: 'a batch beyond the limit is an error, and harms nothing',
    async run(store) {
      const log = await store.open();
      await assertThrows('LIMIT', () => log.append(new Uint8Array(log.batchBytesMax + 1), 0, 1));
      await appendMany(log, 2);
      await assertHolds(log, 1, 2);
      await log.close();
    },
  },
  {
    name: 'there is nothing to resolve where nothing is unknown',
    async run(store) {
      const log = await store.open();
      assert.deepEqual(await log.resolve(), []);
      await appendMany(log, 2);
      assert.deepEqual(await log.resolve(), []);
      await appendMany(log, 2);
      await log.close();
    },
  },
];

const refusing: LogCase[] = [
  {
    name: 'an append that does not follow the last entry is refused and leaves nothing',
    async run(store) {
      const log = await store.open();
      assertRefused(await log.append(batchOf(1, 10), 1, 1), 'position', 0);
      await appendMany(log, 3);
      for (const after of [0, 2, 4, 5])
        assertRefused(await log.append(batchOf(9, 10), after, 1), 'position', 3);
      await assertHolds(log, 1, 3);
      await log.close();
    },
  },
  {
    name: 'what follows a refused append is refused, and outcomes keep their order',
    async run(store) {
      const log = await store.open();
      const kinds: string[] = [];
      const note = async (append: Promise<AppendOutcome>) => {
        kinds.push((await append).kind);
      };
      await Promise.all([
        note(log.append(batchOf(1, 100), 0, 1)),
        note(log.append(batchOf(2, 100), 7, 1)),
        note(log.append(batchOf(3, 100), 8, 1)),
        note(log.append(batchOf(2, 100), 1, 1)),
      ]);
      assert.deepEqual(kinds, ['committed', 'refused', 'refused', 'committed']);
      await assertHolds(log, 1, 2);
      await log.close();
    },
  },
  {
    name: 'a writer with an older epoch is refused, a newer one takes over',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 2, 5);
      assertRefused(await log.append(batchOf(3, 100), 2, 4), 'epoch', 2);
      await appendMany(log, 1, 6);
      assertRefused(await log.append(batchOf(4, 100), 3, 5), 'epoch', 3);
      await assertHolds(log, 1, 3);
      await log.close();
      const reopened = await store.open();
      assertRefused(await reopened.append(batchOf(4, 100), 3, 5), 'epoch', 3);
      await appendMany(reopened, 1, 6);
      await reopened.close();
    },
  },
  {
    name: 'a sealed log takes nothing more, also after it was opened again',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 2);
      const pending = log.append(batchOf(3, 100), 2, 1);
      assert.equal(await log.seal(), 3);
      assertCommitted(await pending, 3);
      assertRefused(await log.append(batchOf(4, 100), 3, 1), 'sealed', 3);
      assertRefused(await log.append(batchOf(4, 100), 3, 99), 'sealed', 3);
      assert.equal(await log.seal(), 3);
      await log.close();
      const reopened = await store.open();
      assertRefused(await reopened.append(batchOf(4, 100), 3, 1), 'sealed', 3);
      assert.equal(await reopened.seal(), 3);
      await assertHolds(reopened, 1, 3);
      await reopened.close();
    },
  },
];

const reading: LogCase[] = [
  {
    name: 'reading starts where asked and ends at the tail of the moment of the call',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 10);
      const reading = log.read(4);
      await appendMany(log, 5);
      const positions: number[] = [];
      for await (const { position } of reading) positions.push(position);
      assert.deepEqual(positions, [4, 5, 6, 7, 8, 9, 10]);
      await assertHolds(log, 15, 15);
      assert.deepEqual(await entriesOf(log, 16), []);
      await log.close();
    },
  },
  {
    name: 'trim keeps everything from the position named, also after opening again',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 200);
      await log.trim(120);
      const head = await log.head();
      assert.ok(head >= 1 && head <= 120, `head ${head}`);
      await assertHolds(log, 120, 200);
      await assertHolds(log, head, 200);
      await assertThrows('INVALID', () => entriesOf(log, head - 1));
      await log.close();
      const reopened = await store.open();
      assert.equal(await reopened.head(), head);
      await assertHolds(reopened, head, 200);
      await appendMany(reopened, 100);
      await assertHolds(reopened, head, 300);
      await reopened.close();
    },
  },
  {
    name: 'positions and epoch go on after everything was trimmed',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 100, 3);
      await log.trim(101);
      await log.trim(50);
      assert.equal(await log.tail(), 100);
      await log.close();
      const reopened = await store.open();
      assert.equal(await reopened.tail(), 100);
      assertRefused(await reopened.append(batchOf(1, 10), 100, 2), 'epoch', 100);
      await appendMany(reopened, 3, 3);
      await assertHolds(reopened, 101, 103);
      await reopened.close();
    },
  },
  {
    name: 'a reading under way is not disturbed by a trim',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 200);
      const positions: number[] = [];
      for await (const { position, batch } of log.read(1)) {
        assertSame(batch, batchOf(position, 100), position);
        positions.push(position);
        if (position !== 5) continue;
        await log.trim(150);
        await appendMany(log, 100);
      }
      assert.deepEqual(
        positions,
        Array.from({ length: 200 }, (_, i) => i + 1),
      );
      await log.close();
    },
  },
];

const following: LogCase[] = [
  {
    name: 'its state says what it holds',
    async run(store) {
      const log = await store.open();
      assert.deepEqual(await log.state(), { head: 1, tail: 0, epoch: 0, isSealed: false });
      await appendMany(log, 3, 4);
      assert.deepEqual(await log.state(), { head: 1, tail: 3, epoch: 4, isSealed: false });
      await log.trim(3);
      await log.seal();
      assert.deepEqual(await log.state(), { head: await log.head(), tail: 3, epoch: 4, isSealed: true });
      await log.close();
    },
  },
  {
    name: 'whoever waits is woken by an entry beyond the position, not by one before',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 2);
      assert.equal(await log.waitBeyond(1), 2);
      const woken: string[] = [];
      const note = (name: string) => (position: number) => woken.push(`${name} ${position}`);
      const waiting = [log.waitBeyond(2).then(note('a')), log.waitBeyond(3).then(note('b'))];
      await appendMany(log, 1);
      await waiting[0];
      assert.deepEqual(woken, ['a 3']);
      await appendMany(log, 1);
      await waiting[1];
      assert.deepEqual(woken, ['a 3', 'b 4']);
      await log.close();
    },
  },
  {
    name: 'whoever waits is let go when the signal is aborted, or was before',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 2);
      const controller = new AbortController();
      const waiting = log.waitBeyond(2, controller.signal);
      controller.abort();
      assert.equal(await waiting, 2);
      assert.equal(await log.waitBeyond(2, controller.signal), 2);
      await log.close();
    },
  },
  {
    name: 'whoever waits is let go when the log is sealed, and waits no more',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 2);
      const waiting = log.waitBeyond(2);
      await log.seal();
      assert.equal(await waiting, 2);
      assert.equal(await log.waitBeyond(2), 2);
      await log.close();
    },
  },
  {
    name: 'whoever waits gets an error when the log is closed',
    async run(store) {
      const log = await store.open();
      const waiting = assertThrows('CLOSED', () => log.waitBeyond(0));
      await log.close();
      await waiting;
    },
  },
];

const reopening: LogCase[] = [
  {
    name: 'what was committed is there after the log was opened again, and positions go on',
    async run(store) {
      for (let round = 0; round < 4; round++) {
        const log = await store.open();
        await assertHolds(log, 1, round * 20);
        await appendMany(log, 20);
        await log.close();
      }
    },
  },
  {
    name: 'close waits for appends under way, and nothing works after it',
    async run(store) {
      const log = await store.open();
      const pending = [log.append(batchOf(1, 100), 0, 1), log.append(batchOf(2, 100), 1, 1)];
      await log.close();
      assertCommitted(await pending[0], 1);
      assertCommitted(await pending[1], 2);
      await log.close();
      await assertThrows('CLOSED', () => log.append(batchOf(3, 100), 2, 1));
      await assertThrows('CLOSED', () => log.tail());
      const reopened = await store.open();
      await assertHolds(reopened, 1, 2);
      await reopened.close();
    },
  },
  {
    name: 'agrees with a plain array over random use',
    async run(store) {
      const random = new SeededRandom(42);
      const expected: Uint8Array[] = [];
      for (let life = 0; life < 5; life++) {
        const log = await store.open();
        for (let turn = 0; turn < 20; turn++) {
          const appends: Promise<AppendOutcome>[] = [];
          for (let i = randomBelow(random, 8); i >= 0; i--) {
            const batch = batchOf(
              random.uint32(),
              randomBelow(random, randomBelow(random, 5) === 0 ? 9000 : 200),
            );
            appends.push(log.append(batch, expected.length, life));
            expected.push(batch);
          }
          for (const outcome of await Promise.all(appends)) assert.equal(outcome.kind, 'committed');
        }
        const from = 1 + randomBelow(random, expected.length);
        const entries = await entriesOf(log, from);
        assert.equal(entries.length, expected.length - from + 1);
        for (const { position, batch } of entries) assertSame(batch, expected[position - 1], position);
        await log.close();
      }
    },
  },
];

/** Every case, in the order in which a new implementation should make them pass. */
export const logConformance: readonly LogCase[] = [
  ...appending,
  ...refusing,
  ...reading,
  ...following,
  ...reopening,
];
