/**
 * What every Env must do, as a list of named cases. An implementation's whole spec:
 *
 *     for (const { name, run } of envConformance) it(name, () => run(makeHarness()));
 */
import assert from 'node:assert/strict';
import { type Env, randomBelow } from '../env.js';

export interface EnvHarness {
  readonly env: Env;
  /** Lets at least `ms` of the Env's time go by, and what is due happen. */
  pass(ms: number): Promise<void>;
}

export interface EnvCase {
  readonly name: string;
  run(harness: EnvHarness): Promise<void>;
}

/** Short, because on a real clock it is waited for; longer than a clock's grain. */
const shortMs = 20;

/** Callbacks that note that they ran. */
function notes(): { log: string[]; note(name: string): () => void } {
  const log: string[] = [];
  return { log, note: (name) => () => log.push(name) };
}

export const envConformance: readonly EnvCase[] = [
  {
    name: 'the wall clock shows whole milliseconds of our days',
    async run({ env }) {
      const nowMs = env.clock.now();
      assert.ok(Number.isSafeInteger(nowMs), `${nowMs}`);
      assert.ok(nowMs > Date.UTC(2024), `${nowMs}`);
    },
  },
  {
    name: 'both clocks go on',
    async run({ env, pass }) {
      const [nowMs, monotonicMs] = [env.clock.now(), env.clock.monotonic()];
      await pass(shortMs);
      // A wall clock may be set meanwhile: a little is forgiven.
      assert.ok(env.clock.now() >= nowMs + shortMs - 2);
      assert.ok(env.clock.monotonic() >= monotonicMs + shortMs);
    },
  },
  {
    name: 'the monotonic clock never goes back',
    async run({ env, pass }) {
      let lastMs = env.clock.monotonic();
      for (let i = 0; i < 1000; i++) {
        if (i % 250 === 0) await pass(1);
        const nowMs = env.clock.monotonic();
        assert.ok(nowMs >= lastMs, `${nowMs} after ${lastMs}`);
        lastMs = nowMs;
      }
    },
  },
  {
    name: 'a timer fires once: not at once, not early, and then soon',
    async run({ env, pass }) {
      const startMs = env.clock.monotonic();
      const firedMs: number[] = [];
      env.timers.setTimeout(() => firedMs.push(env.clock.monotonic()), shortMs);
      assert.deepEqual(firedMs, []);
      await pass(shortMs + 5);
      await pass(shortMs);
      assert.equal(firedMs.length, 1);
      assert.ok(firedMs[0] >= startMs + shortMs, `${firedMs[0] - startMs} ms`);
    },
  },
  {
    name: 'a delay of nothing, or less, is a turn of its own',
    async run({ env, pass }) {
      const { log, note } = notes();
      env.timers.setTimeout(note('zero'), 0);
      env.timers.setTimeout(note('negative'), -5);
      assert.deepEqual(log, []);
      await pass(shortMs);
      assert.deepEqual(log.sort(), ['negative', 'zero']);
    },
  },
  {
    name: 'timers fire in the order of their time',
    async run({ env, pass }) {
      const { log, note } = notes();
      env.timers.setTimeout(note('third'), 2 * shortMs);
      env.timers.setTimeout(note('first'), shortMs / 2);
      env.timers.setTimeout(note('second'), shortMs);
      await pass(2 * shortMs + 10);
      assert.deepEqual(log, ['first', 'second', 'third']);
    },
  },
  {
    name: 'a timer that was cleared does not fire',
    async run({ env, pass }) {
      const { log, note } = notes();
      const cleared = env.timers.setTimeout(note('cleared'), shortMs);
      const kept = env.timers.setTimeout(note('kept'), shortMs);
      env.timers.clearTimeout(cleared);
      env.timers.clearTimeout(cleared);
      await pass(shortMs + 10);
      assert.deepEqual(log, ['kept']);
      env.timers.clearTimeout(kept);
    },
  },
  {
    name: 'a timer may be cleared, and another set, by one that fires',
    async run({ env, pass }) {
      const { log, note } = notes();
      env.timers.setTimeout(() => {
        env.timers.clearTimeout(other);
        env.timers.setTimeout(note('next'), 1);
      }, shortMs / 2);
      const other = env.timers.setTimeout(note('other'), shortMs);
      await pass(shortMs + 10);
      assert.deepEqual(log, ['next']);
    },
  },
  {
    name: 'a delay of weeks does not fire early, and can be cleared',
    async run({ env, pass }) {
      const { log, note } = notes();
      const timers = [2 ** 31 - 1, 2 ** 31, 2 ** 40].map((delayMs) =>
        env.timers.setTimeout(note(`${delayMs}`), delayMs),
      );
      await pass(shortMs);
      assert.deepEqual(log, []);
      for (const timer of timers) env.timers.clearTimeout(timer);
    },
  },
  {
    name: 'setImmediate calls later, in order',
    async run({ env, pass }) {
      const { log, note } = notes();
      for (const name of ['a', 'b', 'c']) env.timers.setImmediate(note(name));
      assert.deepEqual(log, []);
      await pass(1);
      assert.deepEqual(log, ['a', 'b', 'c']);
    },
  },
  {
    name: 'random integers use all 32 bits, each half of the time',
    async run({ env: { random } }) {
      const count = 4000;
      const ones = new Array<number>(32).fill(0);
      for (let i = 0; i < count; i++) {
        const n = random.uint32();
        assert.ok(Number.isInteger(n) && n >= 0 && n < 2 ** 32, `${n}`);
        for (let bit = 0; bit < 32; bit++) ones[bit] += (n >>> bit) & 1;
      }
      // Six standard deviations on either side.
      for (const [bit, n] of ones.entries()) assert.ok(Math.abs(n - count / 2) < 190, `bit ${bit}: ${n}`);
    },
  },
  {
    name: 'random integers do not repeat each other',
    async run({ env: { random } }) {
      const seen = new Set(Array.from({ length: 1000 }, () => random.uint32()));
      assert.ok(seen.size > 990, `${seen.size} of 1000`);
    },
  },
  {
    name: 'randomBelow stays below',
    async run({ env: { random } }) {
      for (const bound of [1, 2, 10, 1000, 2 ** 32]) {
        for (let i = 0; i < 200; i++) {
          const n = randomBelow(random, bound);
          assert.ok(Number.isInteger(n) && n >= 0 && n < bound, `${n} of ${bound}`);
        }
      }
    },
  },
  {
    name: 'fill fills everything, and returns what it filled',
    async run({ env: { random } }) {
      const counts = new Array<number>(256).fill(0);
      for (const length of [0, 1, 3, 1024, 65_537]) {
        const target = new Uint8Array(length);
        assert.equal(random.fill(target), target);
        for (const byte of target.subarray(-1024)) counts[byte]++;
      }
      assert.ok(counts.every((count) => count < 100) && counts.filter((count) => count > 0).length > 250);
    },
  },
];
