/** Envs that are wrong in one way each. The conformance suite must fail every one of them. */
import type { Clock, Env, Random, Timer, Timers } from '../env.js';
import type { EnvHarness } from './env-conformance.js';
import { SimulatedEnv } from './simulated-env.js';

interface Parts {
  readonly clock?: Partial<Clock>;
  readonly timers?: Partial<Timers>;
  readonly random?: Partial<Random>;
}

type Spoil = (env: SimulatedEnv) => Parts;

/** How long a timer of the runtime takes that is given too long a delay. */
const overflowMs = 1;

const spoils: Record<string, Spoil> = {
  'shows fractions of milliseconds': ({ clock }) => ({ clock: { now: () => clock.now() + 0.5 } }),
  'counts from the start of the process': ({ clock }) => ({ clock: { now: () => clock.monotonic() } }),
  'stands still': () => ({ clock: { monotonic: () => 0 } }),
  'has a monotonic clock that goes back': ({ clock, random }) => ({
    clock: { monotonic: () => clock.monotonic() - (random.uint32() % 3) },
  }),
  'fires at once': () => ({
    timers: {
      setTimeout: (callback) => {
        callback();
        return {};
      },
    },
  }),
  'fires early': ({ timers }) => ({
    timers: { setTimeout: (callback, delayMs) => timers.setTimeout(callback, delayMs * 0.9) },
  }),
  'fires twice': ({ timers }) => ({
    timers: {
      setTimeout: (callback, delayMs) => {
        timers.setTimeout(callback, delayMs);
        return timers.setTimeout(callback, delayMs);
      },
    },
  }),
  'never fires without a delay': ({ timers }) => ({
    timers: {
      setTimeout: (callback, delayMs) => (delayMs > 0 ? timers.setTimeout(callback, delayMs) : {}),
    },
  }),
  'fires in any order': ({ timers }) => {
    const callbacks: (() => void)[] = [];
    return {
      timers: {
        setTimeout: (callback, delayMs) => {
          callbacks.push(callback);
          return timers.setTimeout(() => callbacks.shift()?.(), delayMs);
        },
      },
    };
  },
  'ignores that a timer was cleared': () => ({ timers: { clearTimeout: () => {} } }),
  'clears all timers with one': ({ timers }) => {
    let all: Timer[] = [];
    return {
      timers: {
        setTimeout: (callback, delayMs) => {
          all.push(timers.setTimeout(callback, delayMs));
          return all[all.length - 1];
        },
        clearTimeout: () => {
          for (const timer of all) timers.clearTimeout(timer);
          all = [];
        },
      },
    };
  },
  overflows: ({ timers }) => ({
    timers: {
      setTimeout: (callback, delayMs) =>
        timers.setTimeout(callback, delayMs >= 2 ** 31 ? overflowMs : delayMs),
    },
  }),
  'calls immediately what is to be called later': () => ({
    timers: { setImmediate: (callback) => callback() },
  }),
  'calls the last first': ({ timers }) => {
    const waiting: (() => void)[] = [];
    return {
      timers: {
        setImmediate: (callback) => {
          waiting.push(callback);
          timers.setImmediate(() => waiting.pop()?.());
        },
      },
    };
  },
  'draws signed integers': ({ random }) => ({ random: { uint32: () => random.uint32() | 0 } }),
  'draws 31 bits': ({ random }) => ({ random: { uint32: () => random.uint32() >>> 1 } }),
  'draws the same again and again': () => ({ random: { uint32: () => 4 } }),
  'draws from a few': ({ random }) => ({ random: { uint32: () => (random.uint32() % 5) * 0x33333333 } }),
  'fills only the beginning': ({ random }) => ({
    random: {
      fill: (target) => {
        random.fill(target.subarray(0, 1024));
        return target;
      },
    },
  }),
  'fills a copy': ({ random }) => ({
    random: { fill: <T extends Uint8Array>(target: T) => random.fill(target.slice()) as T },
  }),
};

/** An Env of virtual time, for the conformance suite. */
export function simulatedHarness(env = new SimulatedEnv(), spoiled: Env = env): EnvHarness {
  return {
    env: spoiled,
    pass: async (ms) => {
      env.advance(ms);
    },
  };
}

/** Each with a fresh Env on every call of `make`. */
export const brokenEnvs: readonly { name: string; make(): EnvHarness }[] = Object.entries(spoils).map(
  ([name, spoil]) => ({
    name,
    make: () => {
      const env = new SimulatedEnv();
      const { clock, timers, random } = spoil(env);
      return simulatedHarness(env, {
        clock: { now: () => env.clock.now(), monotonic: () => env.clock.monotonic(), ...clock },
        timers: { ...env.timers, ...timers },
        random: {
          uint32: () => env.random.uint32(),
          fill: (target) => env.random.fill(target),
          ...random,
        },
      });
    },
  }),
);
