/**
 * The far end of `SimulatedLog`: the truth, and the network before it, on virtual time and from a seed.
 *
 *     SimulatedLog  -- request -->  SimulatedLogServer        each way: delayed (and so reordered), lost;
 *      (a client)   <- response --                            requests: also twice, or after the client gave up
 *
 * While no fault is set, nothing takes any time: tests that do not care about faults need not move the clock.
 */
import { type Env, KvError } from '@holdfast/common';
import type { Disruption } from '@holdfast/etcd/testing';
import type { AppendGroup } from '../append-line.js';
import type { Committed, LogState, Position, Refused } from '../log.js';
import { MemoryLogStore } from './memory-log.js';

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

export interface SimulatedLogServerOptions {
  readonly env: Env;
  /** When a client gives up on a request, in ms. */
  readonly timeoutMs?: number;
  /** How often a client that waits for entries asks, because notifications may be lost, in ms. */
  readonly pollMs?: number;
  /** The longest batch that it takes. */
  readonly batchBytesMax?: number;
}

/** A group of appends as the server gets it. */
export interface AppendRequest extends AppendGroup {
  readonly writer: number;
  readonly sequence: number;
}

/** A client as the server sees it. */
export interface SimulatedLogClient {
  readonly name: string;
  /** Something newer may be known. */
  note(state: LogState): void;
}

const noFaults: SimulatedFaults = { delayMs: [0, 0], loss: 0, duplication: 0, lateness: 0 };

export class SimulatedLogServer {
  readonly env: Env;
  readonly timeoutMs: number;
  readonly pollMs: number;
  readonly batchBytesMax: number;
  /** What is committed. Tests may look at it at any time. */
  readonly store = new MemoryLogStore();
  #faults = noFaults;
  readonly #partitioned = new Set<string>();
  readonly #clients = new Set<SimulatedLogClient>();
  /** By writer and sequence number: where the group ended. */
  readonly #positions = new Map<string, Position>();
  /** By writer: no group up to this sequence number is taken any more. */
  readonly fences = new Map<number, number>();
  #writerCount = 0;

  constructor(options: SimulatedLogServerOptions) {
    this.env = options.env;
    this.timeoutMs = options.timeoutMs ?? 1000;
    this.pollMs = options.pollMs ?? 1000;
    this.batchBytesMax = options.batchBytesMax ?? 8 * 1024 * 1024;
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

  /** The number of a new writer. */
  register(client: SimulatedLogClient): number {
    this.#clients.add(client);
    return ++this.#writerCount;
  }

  unregister(client: SimulatedLogClient): void {
    this.#clients.delete(client);
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

  /** Takes a group: all of it or nothing, once, and not if it was given up. */
  append(request: AppendRequest): Committed | Refused {
    const { writer, sequence, batches, after, epoch } = request;
    const known = this.#positions.get(`${writer}/${sequence}`);
    if (known !== undefined) return { kind: 'committed', position: known };
    if (sequence <= (this.fences.get(writer) ?? 0)) return refused('unavailable', this.store.tail);
    for (const [i, batch] of batches.entries()) {
      const outcome = this.store.append(batch, after + i, epoch);
      if (outcome.kind === 'refused') return outcome;
    }
    const { tail } = this.store;
    this.#positions.set(`${writer}/${sequence}`, tail);
    this.#notifyAll();
    return { kind: 'committed', position: tail };
  }

  /** What became of a group. If it is not there, it can't come any more. */
  settle({ writer, sequence, after, epoch }: AppendRequest): Committed | Refused {
    const position = this.#positions.get(`${writer}/${sequence}`);
    if (position !== undefined) return { kind: 'committed', position };
    this.fences.set(writer, sequence);
    const { tail, isSealed, epoch: last } = this.store.state;
    if (isSealed) return refused('sealed', tail);
    if (epoch < last) return refused('epoch', tail);
    return refused(after === tail ? 'unavailable' : 'position', tail);
  }

  seal(): void {
    this.store.seal();
    this.#notifyAll();
  }

  #isQuietTo(name: string): boolean {
    const { delayMs, loss, duplication, lateness } = this.#faults;
    return delayMs[1] + loss + duplication + lateness === 0 && !this.#partitioned.has(name);
  }

  #notifyAll(): void {
    const { state } = this.store;
    for (const client of this.#clients) {
      if (this.#isQuietTo(client.name)) client.note(state);
      else if (!this.#happens(this.#faults.loss)) this.#deliver(client.name, () => client.note(state));
    }
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

function refused(reason: Refused['reason'], tail: Position): Refused {
  return { kind: 'refused', reason, tail };
}
