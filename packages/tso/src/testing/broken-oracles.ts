/** Oracles that are wrong in one way each. The conformance suite must fail every one of them. */
import { KvError } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { MemoryHighWaterMark } from '../high-water-mark.js';
import { LocalOracle } from '../local-oracle.js';
import { type Oracle, oracleEpochMs, timestampsPerMs } from '../oracle.js';
import type { OracleStore } from './oracle-conformance.js';

/** A correct oracle whose answers `change` spoils. */
function spoiled(oracle: Oracle, change: (first: number, count: number) => number): Oracle {
  return {
    next: (count) => change(oracle.next(count), count),
    fetch: async (count) => change(await oracle.fetch(count), count),
    ready: () => oracle.ready(),
    close: () => oracle.close(),
  };
}

function openWith(env: SimulatedEnv, mark = new MemoryHighWaterMark()): Promise<LocalOracle> {
  return LocalOracle.open({ env, mark });
}

/** The clock and a counter within the millisecond, nothing remembered. */
function bareClock(env: SimulatedEnv): Oracle {
  let lastMs = 0;
  let counter = 0;
  let isClosed = false;
  const next = (count: number): number => {
    if (isClosed) throw new KvError('CLOSED', 'closed');
    const nowMs = env.clock.now();
    if (nowMs !== lastMs) counter = 0;
    lastMs = nowMs;
    counter += count;
    return (nowMs - oracleEpochMs) * timestampsPerMs + counter - count;
  };
  return {
    next,
    fetch: async (count) => next(count),
    ready: async () => {},
    close: async () => {
      isClosed = true;
    },
  };
}

const brokenOracles: Record<string, (env: SimulatedEnv) => OracleStore['open']> = {
  'repeats after a restart': (env) => () => openWith(env),
  'goes back with the clock': (env) => async () => bareClock(env),
  'gives ranges that overlap': (env) => {
    const mark = new MemoryHighWaterMark();
    return async () => spoiled(await openWith(env, mark), (first, count) => first - (count === 1 ? 3 : 0));
  },
  'persists its mark after use': (env) => {
    let persisted = 0;
    const mark = { load: async () => persisted, store: async () => {} };
    return async () => {
      const oracle = await LocalOracle.open({ env, mark });
      let previous = 0;
      return spoiled(oracle, (first, count) => {
        persisted = previous;
        previous = first + count - 1;
        return first;
      });
    };
  },
  'gives fractions': (env) => {
    const mark = new MemoryHighWaterMark();
    return async () => spoiled(await openWith(env, mark), (first) => first + 0.5);
  },
  'counts without a clock': (env) => {
    const mark = new MemoryHighWaterMark();
    return async () => spoiled(await openWith(env, mark), (first) => first - 2 ** 44);
  },
  'works after it was closed': (env) => {
    const mark = new MemoryHighWaterMark();
    return async () => {
      const oracle = await openWith(env, mark);
      return { ...spoiled(oracle, (first) => first), close: async () => {} };
    };
  },
  'has nothing at hand after a pause': (env) => {
    const mark = new MemoryHighWaterMark();
    return async () => {
      const oracle = await openWith(env, mark);
      let readyAtMs = env.clock.monotonic();
      const ready = async () => {
        await oracle.ready();
        readyAtMs = env.clock.monotonic();
      };
      const next = (count: number) => {
        if (env.clock.monotonic() - readyAtMs > 10_000)
          throw new KvError('UNAVAILABLE', 'the range has expired');
        return oracle.next(count);
      };
      return { ...spoiled(oracle, (first) => first), next, ready };
    };
  },
  'fetches from a range of its own': (env) => {
    const mark = new MemoryHighWaterMark();
    return async () => {
      const oracle = await openWith(env, mark);
      let from = 0;
      let to = 0;
      const fetch = async (count: number): Promise<number> => {
        if (from + count > to) {
          from = await oracle.fetch(1000 + count);
          to = from + 1000 + count;
        }
        from += count;
        return from - count;
      };
      return { ...spoiled(oracle, (first) => first), fetch };
    };
  },
  'can not fetch more than it holds': (env) => {
    const mark = new MemoryHighWaterMark();
    return async () => {
      const oracle = await openWith(env, mark);
      return { ...spoiled(oracle, (first) => first), fetch: async (count) => oracle.next(count) };
    };
  },
};

/** Each with a fresh store on every call of `makeStore`. */
export const brokenOracleStores: readonly { name: string; makeStore(): OracleStore }[] = Object.entries(
  brokenOracles,
).map(([name, openerOf]) => ({
  name,
  makeStore: () => {
    const env = new SimulatedEnv();
    return { env, open: openerOf(env) };
  },
}));
