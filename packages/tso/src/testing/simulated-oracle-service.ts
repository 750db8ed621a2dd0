/**
 * The timestamp service on virtual time and from a seed: instances with clocks of their own that can be paused
 * and killed, a store of the mark and clients, all some milliseconds apart.
 */
import { type Env, KvError, randomBelow, type Timer } from '@holdfast/common';
import type { SimulatedEnv } from '@holdfast/common/testing';
import { LeaderOracle } from '../leader-oracle.js';
import type { MarkStore } from '../mark-store.js';
import type { Oracle } from '../oracle.js';
import type { OracleService } from './oracle-service-conformance.js';
import { SimulatedMark } from './simulated-mark.js';
import { SimulatedProcess } from './simulated-process.js';

const instanceCount = 3;
const holdMs = 300;
const delayMsMax = 5;
const clientTimeoutMs = 100;

interface Instance {
  readonly process: SimulatedProcess;
  readonly oracle: LeaderOracle;
}

/** What a test may do to make it wrong. */
export interface Spoiling {
  /** The machine that an instance runs on, as it sees it. */
  readonly env?: (process: SimulatedProcess) => Env;
  readonly store?: (store: MarkStore) => MarkStore;
  readonly client?: (oracle: Oracle) => Oracle;
}

export class SimulatedOracleService implements OracleService {
  readonly failoverMs: number = holdMs * 1.25 + 100;
  readonly #env: SimulatedEnv;
  readonly #mark: SimulatedMark;
  readonly #spoiling: Spoiling;
  readonly #instances: Instance[] = [];

  constructor(env: SimulatedEnv, spoiling: Spoiling = {}) {
    this.#env = env;
    this.#mark = new SimulatedMark(env, { delayMsMax, loss: 0.05 });
    this.#spoiling = spoiling;
    for (let i = 0; i < instanceCount; i++) this.#start();
  }

  sleep(ms: number): Promise<void> {
    return this.#env.sleep(ms);
  }

  async connect(): Promise<Oracle> {
    const fetch = (count: number): Promise<number> => this.#fetch(count);
    const next = (): number => {
      throw new KvError('UNAVAILABLE', 'a simulated client holds nothing');
    };
    const oracle = { next, fetch, ready: async () => {}, close: async () => {} };
    return this.#spoiling.client?.(oracle) ?? oracle;
  }

  async kill(): Promise<void> {
    const leader = await this.#leader();
    leader.process.kill();
    this.#replace(leader);
  }

  async handOver(): Promise<void> {
    const leader = await this.#leader();
    await leader.oracle.close();
    this.#replace(leader);
  }

  async pause(ms: number): Promise<void> {
    const { process } = await this.#leader();
    process.pause();
    this.#env.timers.setTimeout(() => process.resume(), ms);
  }

  async jumpClock(ms: number): Promise<void> {
    (await this.#leader()).process.jumpClock(ms);
  }

  #start(): void {
    const process = new SimulatedProcess(this.#env);
    const store = this.#mark.storeFor(process);
    const oracle = new LeaderOracle({
      env: this.#spoiling.env?.(process) ?? process,
      store: this.#spoiling.store?.(store) ?? store,
      address: `instance ${this.#env.random.uint32()}`,
      holdMs,
      aheadMs: 100,
    });
    this.#instances.push({ process, oracle });
  }

  #replace(instance: Instance): void {
    this.#instances.splice(this.#instances.indexOf(instance), 1);
    this.#start();
  }

  async #leader(): Promise<Instance> {
    for (;;) {
      const leader = this.#instances.find(({ oracle }) => oracle.isLeading);
      if (leader !== undefined) return leader;
      await this.sleep(10);
    }
  }

  /** Tries one instance after the other. */
  async #fetch(count: number): Promise<number> {
    for (let attempt = randomBelow(this.#env.random, instanceCount); ; attempt++) {
      const instance = this.#instances[attempt % this.#instances.length];
      const first = await this.#ask(instance, count);
      if (first !== null) return first;
      await this.sleep(delayMsMax);
    }
  }

  /** Null when it does not lead, or does not answer in time. */
  #ask({ process, oracle }: Instance, count: number): Promise<number | null> {
    const { random, timers } = this.#env;
    const later = (what: () => void): Timer => timers.setTimeout(what, randomBelow(random, delayMsMax));
    return new Promise((resolve) => {
      const answer = (first: number | null): Timer => later(() => resolve(first));
      const assign = (): void => {
        const first = oracle.next(count);
        if (first !== null) answer(first);
        else oracle.fetch(count).then(answer, () => answer(null));
      };
      later(() => process.run(assign));
      timers.setTimeout(() => resolve(null), clientTimeoutMs);
    });
  }
}
