/**
 * What a log must do that several processes have open at once, and when messages to it are lost, beyond what
 * every log must do. An implementation's spec:
 *
 *     for (const { name, run } of sharedLogConformance) it(name, async () => run(await makeStore()));
 *     for (const { name, run } of disruptedLogConformance) it(name, async () => run(await makeStore()));
 */
import assert from 'node:assert/strict';
import type { Disruption } from '@holdfast/etcd/testing';
import type { AppendOutcome, Log, Position } from '../log.js';
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
import type { LogCase, LogStore } from './log-conformance.js';

/** A place for one log that fails as told. Logs that are open at the same time share it. */
export interface DisruptableLogStore extends LogStore {
  /** The next append that `log` sends fails in this way. */
  disrupt(log: Log, disruption: Disruption): void;
  /** Lets the request of `log` arrive that was late, and resolves when it was handled. */
  deliverLate(log: Log): Promise<void>;
}

export interface DisruptedLogCase {
  readonly name: string;
  run(store: DisruptableLogStore): Promise<void>;
}

async function openTwo(store: LogStore): Promise<[Log, Log]> {
  return [await store.open(), await store.open()];
}

async function closeAll(...logs: Log[]): Promise<void> {
  for (const log of logs) await log.close();
}

/** Reads everything up to `to` as it comes, asserting that nothing is left out. */
async function follow(log: Log, to: Position): Promise<void> {
  let applied = 0;
  while (applied < to) {
    for await (const { position, batch } of log.read(applied + 1)) {
      assert.equal(position, applied + 1);
      assertSame(batch, batchOf(position, 100), position);
      applied = position;
    }
    await log.waitBeyond(applied, applied < to ? undefined : AbortSignal.abort());
  }
}

export const sharedLogConformance: readonly LogCase[] = [
  {
    name: 'what one appends the other finds',
    async run(store) {
      const [writer, reader] = await openTwo(store);
      await appendMany(writer, 3);
      await assertHolds(reader, 1, 3);
      await appendMany(reader, 2);
      await assertHolds(writer, 1, 5);
      await closeAll(writer, reader);
    },
  },
  {
    name: 'of two appends after the same entry one is refused',
    async run(store) {
      const [one, other] = await openTwo(store);
      for (let after = 0; after < 10; after++) {
        const outcomes = await Promise.all([
          one.append(batchOf(after + 1, 100), after, 1),
          other.append(batchOf(after + 1, 100), after, 1),
        ]);
        const committed = outcomes.filter(({ kind }) => kind === 'committed');
        assert.equal(committed.length, 1);
        assertRefused(outcomes.find(({ kind }) => kind !== 'committed')!, 'position', after + 1);
      }
      await assertHolds(one, 1, 10);
      await closeAll(one, other);
    },
  },
  {
    name: 'a writer that was away is refused, and told the tail',
    async run(store) {
      const [away, writer] = await openTwo(store);
      await appendMany(away, 2);
      await appendMany(writer, 3);
      assertRefused(await away.append(batchOf(3, 100), 2, 1), 'position', 5);
      await appendMany(away, 1);
      await assertHolds(writer, 1, 6);
      await closeAll(away, writer);
    },
  },
  {
    name: 'a writer with a newer epoch takes over, whatever the old one has on its way',
    async run(store) {
      const [old, next] = await openTwo(store);
      await appendMany(old, 3, 5);
      const takeover = next.append(batchOf(4, 100), await next.tail(), (await next.state()).epoch + 1);
      const outcomes = Array.from({ length: 20 }, (_, i) => old.append(batchOf(4 + i, 100), 3 + i, 5));
      if ((await takeover).kind === 'committed') {
        assert.equal((await outcomes[0]).kind, 'refused');
      } else {
        await Promise.all(outcomes);
        await appendMany(next, 1, 6);
      }
      const tail = await next.tail();
      assertRefused(await old.append(batchOf(tail + 1, 100), tail, 5), 'epoch', tail);
      await assertHolds(old, 1, tail);
      await closeAll(old, next);
    },
  },
  {
    name: 'a follower gets everything, in order, while another appends',
    async run(store) {
      const [writer, follower] = await openTwo(store);
      await Promise.all([appendMany(writer, 60), follow(follower, 60)]);
      await closeAll(writer, follower);
    },
  },
  {
    name: 'a seal ends the log for everybody, and lets those go who wait',
    async run(store) {
      const [one, other] = await openTwo(store);
      await appendMany(one, 2);
      const waiting = one.waitBeyond(2);
      assert.equal(await other.seal(), 2);
      assert.equal(await waiting, 2);
      assertRefused(await one.append(batchOf(3, 100), 2, 1), 'sealed', 2);
      assert.equal(await one.seal(), 2);
      await assertHolds(one, 1, 2);
      await closeAll(one, other);
    },
  },
  {
    name: 'a seal and appends meet: what was committed is before the end',
    async run(store) {
      const [writer, sealer] = await openTwo(store);
      const outcomes: Promise<AppendOutcome>[] = [];
      for (let i = 0; i < 50; i++) outcomes.push(writer.append(batchOf(i + 1, 100), i, 1));
      const last = await sealer.seal();
      const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind);
      assert.deepEqual(kinds, [
        ...new Array(last).fill('committed'),
        ...new Array(50 - last).fill('refused'),
      ]);
      await assertHolds(sealer, 1, last);
      await closeAll(writer, sealer);
    },
  },
  {
    name: 'a seal is not kept waiting by appends that keep coming',
    async run(store) {
      const log = await store.open();
      let last = 0;
      let isSealed = false;
      const appending = (async () => {
        const outcomes: Promise<AppendOutcome>[] = [];
        for (let i = 0; !isSealed; i++) {
          outcomes.push(log.append(batchOf(i + 1, 100), i, 1));
          if (i % 4 === 0) await new Promise(setImmediate);
        }
        last = (await Promise.all(outcomes)).filter(({ kind }) => kind === 'committed').length;
      })();
      for (let i = 0; i < 20; i++) await new Promise(setImmediate);
      const sealed = await log.seal();
      isSealed = true;
      await appending;
      assert.equal(last, sealed);
      await log.close();
    },
  },
  {
    name: 'a batch that is stored ahead of its append is no part of the log until then, and is whole after it',
    async run(store) {
      const [one, other] = await openTwo(store);
      if (one.stage === undefined) return closeAll(one, other);
      assert.equal(one.stage(batchOf(1, 100), new AbortController().signal), null);
      await appendMany(one, 2);
      const long = batchOf(9, 2_500_000);
      const staging = one.stage(long, new AbortController().signal);
      if (staging === null) return closeAll(one, other);
      await appendMany(one, 3);
      const staged = await staging;
      assert.equal(await other.tail(), 5);
      await appendMany(one, 2);
      // What is not in the log yet is not behind its end.
      await one.trim(8);
      await appendMany(one, 1);
      assertCommitted(await one.append(long, 8, 1, staged), 9);
      await other.tail();
      const [before, appended] = await entriesOf(other, 8);
      assertSame(before.batch, batchOf(8, 100), 8);
      assertSame(appended.batch, long, 9);
      await appendMany(one, 1);
      await one.trim(10);
      await assertHolds(other, 10, 10);
      await closeAll(one, other);
    },
  },
  {
    name: 'a batch that is stored has no right to its place: who was overtaken meanwhile is refused',
    async run(store) {
      const [old, next] = await openTwo(store);
      if (old.stage === undefined) return closeAll(old, next);
      await appendMany(old, 2, 1);
      const long = batchOf(3, 1_500_000);
      const staging = old.stage(long, new AbortController().signal);
      if (staging === null) return closeAll(old, next);
      const staged = await staging;
      await appendMany(next, 1, 2);
      assertRefused(await old.append(long, 2, 1, staged), 'epoch', 3);
      await appendMany(next, 1, 2);
      await assertHolds(next, 1, 4);
      // What another log stored is of no use to this one, and does no harm.
      assertCommitted(await next.append(batchOf(5, 1_500_000), 4, 2, staged), 5);
      await old.tail();
      assertSame((await entriesOf(old, 5))[0].batch, batchOf(5, 1_500_000), 5);
      await closeAll(old, next);
    },
  },
  {
    name: 'what one trims is gone for the other',
    async run(store) {
      const [one, other] = await openTwo(store);
      await appendMany(one, 50);
      await other.tail();
      await one.trim(31);
      const head = await other.head();
      assert.ok(head <= 31);
      await assertHolds(other, head, 50);
      if (head > 1)
        await assertThrows('INVALID', () =>
          other
            .read(head - 1)
            [Symbol.asyncIterator]()
            .next(),
        );
      await closeAll(one, other);
    },
  },
];

export const disruptedLogConformance: readonly DisruptedLogCase[] = [
  {
    name: 'an append whose answer is lost is unknown, and found',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 2);
      store.disrupt(log, 'response lost');
      assert.equal((await log.append(batchOf(3, 100), 2, 1)).kind, 'unknown');
      assertRefused(await log.append(batchOf(4, 100), 3, 1), 'unavailable', 2);
      assert.deepEqual(await log.resolve(), [{ kind: 'committed', position: 3 }]);
      assert.deepEqual(await log.resolve(), []);
      await appendMany(log, 2);
      await assertHolds(log, 1, 5);
      await log.close();
    },
  },
  {
    name: 'an append that is lost on its way is unknown, and can be made again',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 2);
      store.disrupt(log, 'request lost');
      assert.equal((await log.append(batchOf(3, 100), 2, 1)).kind, 'unknown');
      assert.deepEqual(await log.resolve(), [{ kind: 'refused', reason: 'unavailable', tail: 2 }]);
      await appendMany(log, 2);
      await assertHolds(log, 1, 4);
      await log.close();
    },
  },
  {
    name: 'an append that was found missing never arrives',
    async run(store) {
      const log = await store.open();
      await appendMany(log, 2);
      store.disrupt(log, 'request late');
      assert.equal((await log.append(batchOf(9, 100), 2, 1)).kind, 'unknown');
      assert.deepEqual(await log.resolve(), [{ kind: 'refused', reason: 'unavailable', tail: 2 }]);
      await store.deliverLate(log);
      assert.equal(await log.tail(), 2);
      await appendMany(log, 2);
      await assertHolds(log, 1, 4);
      await log.close();
    },
  },
  {
    name: 'a late append of a writer that is gone does not disturb the next one',
    async run(store) {
      const [gone, next] = await openTwo(store);
      await appendMany(gone, 2, 1);
      store.disrupt(gone, 'request late');
      assert.equal((await gone.append(batchOf(9, 100), 2, 1)).kind, 'unknown');
      assertCommitted(await next.append(batchOf(3, 100), 2, 2), 3);
      await store.deliverLate(gone);
      await appendMany(next, 1, 2);
      await assertHolds(next, 1, 4);
      assert.deepEqual(await gone.resolve(), [{ kind: 'refused', reason: 'epoch', tail: 4 }]);
      await closeAll(gone, next);
    },
  },
  {
    name: "another writer's entry is not taken for one's own",
    async run(store) {
      const [one, other] = await openTwo(store);
      await appendMany(one, 2);
      store.disrupt(one, 'request lost');
      assert.equal((await one.append(batchOf(3, 100), 2, 1)).kind, 'unknown');
      assertCommitted(await other.append(batchOf(3, 100), 2, 1), 3);
      assert.deepEqual(await one.resolve(), [{ kind: 'refused', reason: 'position', tail: 3 }]);
      await appendMany(one, 1);
      await assertHolds(other, 1, 4);
      await closeAll(one, other);
    },
  },
  {
    name: 'an entry is found also when others went on, took over and sealed the log',
    async run(store) {
      const [one, other] = await openTwo(store);
      await appendMany(one, 2);
      store.disrupt(one, 'response lost');
      assert.equal((await one.append(batchOf(3, 100), 2, 1)).kind, 'unknown');
      await appendMany(other, 5, 7);
      await other.seal();
      assert.deepEqual(await one.resolve(), [{ kind: 'committed', position: 3 }]);
      assertRefused(await one.append(batchOf(9, 100), 8, 7), 'sealed', 8);
      await assertHolds(one, 1, 8);
      await closeAll(one, other);
    },
  },
  {
    name: 'a lost append to a log that was sealed since is refused for good',
    async run(store) {
      const [one, other] = await openTwo(store);
      await appendMany(one, 2);
      store.disrupt(one, 'request late');
      assert.equal((await one.append(batchOf(3, 100), 2, 1)).kind, 'unknown');
      assert.equal(await other.seal(), 2);
      await store.deliverLate(one);
      assert.deepEqual(await one.resolve(), [{ kind: 'refused', reason: 'sealed', tail: 2 }]);
      await assertHolds(one, 1, 2);
      await closeAll(one, other);
    },
  },
  {
    name: 'of many appends under way each is resolved, in order, and nothing is there twice',
    async run(store) {
      for (const disruption of ['response lost', 'request lost', 'request late'] as const) {
        const log = await store.open();
        const tail = await log.tail();
        store.disrupt(log, disruption);
        const appends = Array.from({ length: 30 }, (_, i) =>
          log.append(batchOf(tail + i + 1, 100), tail + i, 1),
        );
        const outcomes = await Promise.all(appends);
        const unknown = outcomes.filter(({ kind }) => kind === 'unknown').length;
        assert.ok(unknown > 0);
        for (const outcome of outcomes.slice(0, unknown)) assert.equal(outcome.kind, 'unknown');
        for (const outcome of outcomes.slice(unknown)) assertRefused(outcome, 'unavailable', tail);
        const resolved = await log.resolve();
        assert.equal(resolved.length, unknown);
        const isThere = disruption === 'response lost';
        resolved.forEach((outcome, i) => {
          if (isThere) assertCommitted(outcome, tail + 1 + i);
          else assertRefused(outcome, 'unavailable', tail);
        });
        await store.deliverLate(log);
        await appendMany(log, 3);
        await assertHolds(log, 1, tail + (isThere ? unknown : 0) + 3);
        await log.close();
      }
    },
  },
  {
    name: 'a large batch whose answer is lost is found whole',
    async run(store) {
      for (const [disruption, count] of [
        ['response lost', 1],
        ['request lost', 0],
      ] as const) {
        const log = await store.open();
        const tail = await log.tail();
        store.disrupt(log, disruption);
        assert.equal((await log.append(batchOf(7, 3_000_000), tail, 1)).kind, 'unknown');
        assert.equal((await log.resolve())[0].kind, count === 1 ? 'committed' : 'refused');
        assert.equal(await log.tail(), tail + count);
        for await (const { batch, position } of log.read(tail + 1))
          assertSame(batch, batchOf(7, 3_000_000), position);
        await log.close();
      }
    },
  },
];
