/**
 * The network of a test, on virtual time and from a seed, between clients and one server.
 *
 *     client  -- request -->  server        each way: delayed (and so reordered), lost;
 *             <- response --                requests: also twice, or after the client gave up
 *
 * While no fault is set, nothing takes any time: tests that do not care about faults need not move the clock.
 */
import { type Env, KvError } from '@holdfast/common';
import type { Disruption } from '@holdfast/etcd/testing';

export interface SimulatedFaults {
  /** Time of a message on its way, from and to, in ms. */
  delayMs: readonly [number, number];
  /** Probability that a message, either way, is lost. */
  loss: number;
  /** Probability that a request arrives a second time. */
  duplication: number;
  /** Probability that a request arrives only after its sender has given up. */
  lateness: number;
}

const noFaults: SimulatedFaults = { delayMs: [0, 0], loss: 0, duplication: 0, lateness: 0 };

export class SimulatedNetwork {
  readonly env: Env;
  /** When a client gives up on a request, in ms. */
  readonly timeoutMs: number;
  #faults = noFaults;
  readonly #partitioned = new Set<string>();

  constructor(env: Env, timeoutMs = 1000) {
    this.env = env;
    this.timeoutMs = timeoutMs;
  }

  /** Faults from now on; what is not named does not fail. */
  setFaults(faults: Partial<SimulatedFaults>): void {
    this.#faults = { ...noFaults, ...faults };
  }

  /** From now on no message passes between the server and the clients of this name, either way. */
  partition(name: string): void {
    this.#partitioned.add(name);
  }

  heal(name: string): void {
    this.#partitioned.delete(name);
  }

  /**
   * Resolves with what `operate` gives at the server. Throws KvError UNAVAILABLE when no answer came in time,
   * and then `operate` may have run, once or twice, or may yet run.
   */
  call<T>(name: string, operate: () => T, disruption?: Disruption): Promise<T> {
    if (disruption === 'request lost') return Promise.reject(noAnswer());
    if (this.#isQuietTo(name)) {
      const answer = new Promise<T>((resolve) => resolve(operate()));
      return disruption === undefined ? answer : answer.then(() => Promise.reject(noAnswer()));
    }
    return new Promise((resolve, reject) => {
      const { loss, lateness, duplication } = this.#faults;
      const arrive = (): void => {
        const answer = new Promise<T>((done) => done(operate()));
        if (!this.#happens(loss)) this.#deliver(name, () => answer.then(resolve, reject));
        else answer.catch(() => {});
      };
      const lateMs = this.#happens(lateness) ? this.timeoutMs : 0;
      if (!this.#happens(loss)) this.#deliver(name, arrive, lateMs);
      if (this.#happens(duplication)) this.#deliver(name, arrive, lateMs);
      this.env.timers.setTimeout(() => reject(noAnswer()), this.timeoutMs);
    });
  }

  /** A message from the server that nobody asked for. May be lost. */
  notify(name: string, run: () => void): void {
    if (this.#isQuietTo(name)) run();
    else if (!this.#happens(this.#faults.loss)) this.#deliver(name, run);
  }

  #isQuietTo(name: string): boolean {
    const { delayMs, loss, duplication, lateness } = this.#faults;
    return delayMs[1] + loss + duplication + lateness === 0 && !this.#partitioned.has(name);
  }

  /** Lets `run` happen at the other end, unless a partition is in the way at the start or the end. */
  #deliver(name: string, run: () => void, lateMs = 0): void {
    if (this.#partitioned.has(name)) return;
    const [from, to] = this.#faults.delayMs;
    const delayMs = lateMs + from + (this.env.random.uint32() / 0x100000000) * (to - from);
    this.env.timers.setTimeout(() => {
      if (!this.#partitioned.has(name)) run();
    }, delayMs);
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.env.random.uint32() < probability * 0x100000000;
  }
}

export function noAnswer(): KvError {
  return new KvError('UNAVAILABLE', 'no answer in time');
}
