/** Timestamp services that are wrong in one way each. The suite of services must fail every one of them. */
import type { Env } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import type { MarkState, MarkStore } from '../mark-store.js';
import type { Oracle } from '../oracle.js';
import type { OracleService } from './oracle-service-conformance.js';
import { SimulatedOracleService, type Spoiling } from './simulated-oracle-service.js';
import type { SimulatedProcess } from './simulated-process.js';

/** Both clocks stand still while the process does. */
function withoutPauses(process: SimulatedProcess): Env {
  const clock = {
    now: () => process.clock.now() - process.pausedMs,
    monotonic: () => process.clock.monotonic() - process.pausedMs,
  };
  return { clock, timers: process.timers, random: process.random };
}

function readingAs(change: (state: MarkState) => MarkState): (store: MarkStore) => MarkStore {
  return (store) => ({
    read: async () => change(await store.read()),
    write: (revision, record) => store.write(revision, record),
    watch: (onChange) => store.watch(onChange),
  });
}

/** Takes the mark without a condition. */
function writingAlways(store: MarkStore): MarkStore {
  return {
    read: () => store.read(),
    async write(_, record) {
      for (;;) {
        const revision = await store.write((await store.read()).revision, record);
        if (revision !== null) return revision;
      }
    },
    watch: (onChange) => store.watch(onChange),
  };
}

/** A client that answers from a range that it has fetched before. */
function fetchingAhead(oracle: Oracle): Oracle {
  let from = 0;
  let to = 0;
  return {
    next: (count) => oracle.next(count),
    async fetch(count) {
      if (from + count > to) {
        from = await oracle.fetch(count + 100);
        to = from + count + 100;
      }
      from += count;
      return from - count;
    },
    ready: () => oracle.ready(),
    close: () => oracle.close(),
  };
}

const brokenServices: Record<string, Spoiling> = {
  'does not notice that its hold is over': { env: withoutPauses },
  'takes the mark while somebody else holds it': {
    store: readingAs((state) =>
      state.record === null ? state : { ...state, record: { ...state.record, isReleased: true } },
    ),
  },
  'starts below the mark': {
    store: readingAs((state) =>
      state.record === null ? state : { ...state, record: { ...state.record, mark: 0 } },
    ),
  },
  'writes the mark without a condition': { store: writingAlways },
  'has clients that answer from ranges fetched ahead': { client: fetchingAhead },
};

/** Each with a fresh service on every call of `start`. */
export const brokenOracleServices: readonly {
  name: string;
  start(): { env: SimulatedEnv; service: OracleService };
}[] = Object.entries(brokenServices).map(([name, spoiling]) => ({
  name,
  start: () => {
    const env = new SimulatedEnv(3);
    return { env, service: new SimulatedOracleService(env, spoiling) };
  },
}));
