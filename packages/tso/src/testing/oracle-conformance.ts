/**
 * What every Oracle must do, as a list of named cases. An implementation's whole spec:
 *
 *     for (const { name, run } of oracleConformance) it(name, () => run(makeStore()));
 */
import assert from 'node:assert/strict';
import type { SimulatedEnv } from '@holdfast/common/testing';
import { type Oracle, oracleEpochMs, timestampsPerMs } from '../oracle.js';

/** A durable place for one oracle. Opened again without a close, it is as after a crash. */
export interface OracleStore {
  /** Whose clock the oracle goes by. */
  readonly env: SimulatedEnv;
  open(): Promise<Oracle>;
}

export interface OracleCase {
  readonly name: string;
  run(store: OracleStore): Promise<void>;
}

const hourMs = 3_600_000;

/** Takes ranges as `counts` say, asserting that each begins above `last`; returns the last timestamp. */
async function take(oracle: Oracle, counts: number[], last: number): Promise<number> {
  for (const count of counts) {
    await oracle.ready();
    const first = oracle.next(count);
    assert.ok(Number.isSafeInteger(first) && first > 0, `${first} is no timestamp`);
    assert.ok(first > last, `${first} after ${last}`);
    last = first + count - 1;
  }
  return last;
}

/** Opens a second oracle, as after a crash or after a close, and takes from it. */
async function restart(store: OracleStore, oracle: Oracle, last: number, isClean: boolean): Promise<void> {
  if (isClean) await oracle.close();
  const next = await store.open();
  await take(next, [1, 10, 1], last);
  await next.close();
}

const ranges = [1, 1, 10, 1, 100, 2, 1];

export const oracleConformance: readonly OracleCase[] = [
  {
    name: 'timestamps rise while the clock stands still',
    async run(store) {
      const oracle = await store.open();
      await take(oracle, new Array(5000).fill(1), 0);
      await oracle.close();
    },
  },
  {
    name: 'ranges do not overlap',
    async run(store) {
      const oracle = await store.open();
      let last = 0;
      for (let turn = 0; turn < 20; turn++) {
        last = await take(oracle, ranges, last);
        store.env.advance(turn % 3);
      }
      await oracle.close();
    },
  },
  {
    name: 'a timestamp tells the time',
    async run(store) {
      const oracle = await store.open();
      store.env.advance(5000);
      await oracle.ready();
      const milliseconds = Math.floor(oracle.next(1) / timestampsPerMs) + oracleEpochMs;
      assert.ok(Math.abs(milliseconds - store.env.clock.now()) < 60_000);
      await oracle.close();
    },
  },
  {
    name: 'a clock that goes back does not matter',
    async run(store) {
      const oracle = await store.open();
      let last = await take(oracle, ranges, 0);
      store.env.jumpClock(-hourMs);
      last = await take(oracle, ranges, last);
      store.env.jumpClock(-1000 * hourMs);
      await take(oracle, ranges, last);
      await oracle.close();
    },
  },
  {
    name: 'a clock that goes far ahead and back does not matter',
    async run(store) {
      const oracle = await store.open();
      let last = await take(oracle, ranges, 0);
      store.env.jumpClock(hourMs);
      for (let turn = 0; turn < 20; turn++) {
        last = await take(oracle, ranges, last);
        store.env.advance(500);
      }
      store.env.jumpClock(-hourMs);
      last = await take(oracle, ranges, last);
      await restart(store, oracle, last, false);
    },
  },
  {
    name: 'nothing repeats after a close or a crash, wherever the clock is then',
    async run(store) {
      for (const isClean of [true, false]) {
        for (const jumpMs of [0, 10, -10, -hourMs, 2 * hourMs]) {
          const oracle = await store.open();
          const last = await take(oracle, ranges, 0);
          store.env.jumpClock(jumpMs);
          await restart(store, oracle, last, isClean);
        }
      }
    },
  },
  {
    name: 'nothing repeats after a crash in the middle of heavy use',
    async run(store) {
      let last = 0;
      for (let life = 0; life < 5; life++) {
        const oracle = await store.open();
        for (let turn = 0; turn < 50; turn++) {
          last = await take(oracle, [4096, 1000, 4096], last);
          store.env.advance(turn % 2);
        }
      }
    },
  },
  {
    name: 'a timestamp is at hand at once after a long pause',
    async run(store) {
      const oracle = await store.open();
      const last = await take(oracle, ranges, 0);
      store.env.advance(100 * hourMs);
      assert.ok(oracle.next(1) > last);
      await oracle.close();
    },
  },
  {
    name: 'what is fetched is above all that was handed out, and below all that will be',
    async run(store) {
      const oracle = await store.open();
      let last = await take(oracle, ranges, 0);
      for (let turn = 0; turn < 50; turn++) {
        for (const count of ranges) {
          const first = await oracle.fetch(count);
          assert.ok(Number.isSafeInteger(first) && first > last, `${first} after ${last}`);
          last = first + count - 1;
        }
        if (turn % 5 === 0) last = await take(oracle, ranges, last);
        if (turn === 20) store.env.jumpClock(-hourMs);
        store.env.advance(turn % 3);
      }
      await restart(store, oracle, last, false);
    },
  },
  {
    name: 'what is fetched at the same time is in the order of the calls, without overlap',
    async run(store) {
      const oracle = await store.open();
      const counts = Array.from({ length: 100 }, (_, i) => ranges[i % ranges.length]);
      const firsts = await Promise.all(counts.map((count) => oracle.fetch(count)));
      for (let i = 1; i < firsts.length; i++) assert.ok(firsts[i] >= firsts[i - 1] + counts[i - 1]);
      await oracle.close();
    },
  },
  {
    name: 'what is not at hand is waited for',
    async run(store) {
      const oracle = await store.open();
      const count = 1_000_000;
      const firsts = await Promise.all(Array.from({ length: 60 }, () => oracle.fetch(count)));
      for (let i = 1; i < firsts.length; i++) assert.ok(firsts[i] >= firsts[i - 1] + count);
      await oracle.close();
    },
  },
  {
    name: 'nothing is handed out after a close',
    async run(store) {
      const oracle = await store.open();
      await oracle.close();
      await assert.rejects(
        () => oracle.fetch(1),
        (error: { code?: unknown }) => error.code === 'CLOSED',
      );
      assert.throws(
        () => oracle.next(1),
        (error: { code?: unknown }) => error.code === 'CLOSED',
      );
    },
  },
];
