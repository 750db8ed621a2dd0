/**
 * Where the replicas of a node have their versions from: one range of timestamps for all of them, fetched from an
 * oracle that may be far away, and used up in order.
 *
 *     fetch        [----1----]  [----2----]                one at a time
 *     range        . . . . . . . a b c d e . . f g h       what is left of one is dropped when the next is there
 *
 * Versions only rise, on this node and, since ranges never overlap, against every other. A replica that begins to
 * lead waits for a range that was fetched after it was elected: then they rise within each log, too.
 *
 * Where there is one shard only, its log has all writes there are, and its leader gives them versions in that order: so
 * a write need not wait for timestamps that were fetched after it arrived, as long as those at hand are not old.
 *
 * With an oracle on this machine there is nothing to fetch, and the replicas use it as it is: `LocalFront`.
 */
import { type Env, KvError } from '@holdfast/common';
import type { LocalOracle, Oracle } from '@holdfast/tso';
import type { Timestamps } from './timestamps.js';

/** The oracle of a node's replicas, and when it may be used. */
export interface OracleFront extends Timestamps {
  /** Gives the versions. */
  readonly oracle: Oracle;
  /** How many versions can be had now without a fetch. */
  readonly spare: number;
  /** As `ready`, and so many versions are at hand. `arrival` 0: of whatever fetch. */
  prepare(arrival: number, count: number): Promise<void> | null;
  /** From when it resolves on, versions are above this one, and above all that others had before the call. */
  raise(version: number): Promise<void>;
}

/** An oracle on this machine: always ready, unless its mark can't be stored. */
export class LocalFront implements OracleFront {
  readonly oracle: LocalOracle;
  readonly spare: number = Number.POSITIVE_INFINITY;

  constructor(oracle: LocalOracle) {
    this.oracle = oracle;
  }

  arrive(): number {
    return 0;
  }

  ready(): null {
    return null;
  }

  prepare(): null {
    return null;
  }

  raise(version: number): Promise<void> {
    return this.oracle.setFloor(version);
  }
}

/** The least that a fetch asks for, and when another one is begun although nobody waits. */
const fetchedMin = 256;
const spareMin = 64;
/** The most, whatever was used. A command that may take more gets as many, up to what an oracle gives at once. */
const fetchedMax = 1 << 18;
const preparedMax = 1 << 20;
/** Timestamps that were fetched so long ago, in ms, are old: a version says when it was given. */
const freshMs = 100;
const retryDelayMs = 20;

interface Awaited {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface RemoteFrontOptions {
  readonly source: Oracle;
  readonly env: Env;
  /** Whether the cluster has one shard, and keeps to it. */
  readonly isOneShard: () => boolean;
}

export class RemoteFront implements OracleFront, Oracle {
  readonly #source: Oracle;
  readonly #env: Env;
  readonly #isOneShard: () => boolean;
  /** Number of the last fetch that was begun, and of the last that brought something. */
  #begun = 0;
  #done = 0;
  #isFetching = false;
  /** The last fetch failed: the next one is begun in a moment. */
  #isPausing = false;
  /** When the last fetch was begun, and when the one that brought what is at hand, by the monotonic clock. */
  #begunMs = 0;
  #heldMs = Number.NEGATIVE_INFINITY;
  #next = 0;
  #end = 0;
  /** How many timestamps were used of the last ranges, about. */
  #usual = 0;
  #first = 0;
  /** How many the next fetch has to bring at least, and how many those who wait for it will use. */
  #wanted = 0;
  #expected = 0;
  /** Those who wait for the fetch that is under way, and for the one after it. */
  #current: Awaited | null = null;
  #following: Awaited | null = null;
  #isClosed = false;

  constructor({ source, env, isOneShard }: RemoteFrontOptions) {
    this.#source = source;
    this.#env = env;
    this.#isOneShard = isOneShard;
  }

  get oracle(): Oracle {
    return this;
  }

  get spare(): number {
    return this.#end - this.#next;
  }

  // Oracle

  next(count: number): number {
    const first = this.#next;
    if (first + count > this.#end) {
      throw new KvError('UNAVAILABLE', 'no timestamp is at hand: the next ones are being fetched');
    }
    this.#next = first + count;
    if (this.#end - this.#next < spareMin && !this.#isFetching && !this.#isPausing) this.#begin();
    return first;
  }

  fetch(count: number): Promise<number> {
    return this.#source.fetch(count);
  }

  async ready(): Promise<void>;
  ready(arrival: number, count: number): Promise<void> | null;
  ready(arrival = 0, count = 1): Promise<void> | null {
    const ready = this.prepare(arrival, 1);
    // Unlike single commands, whose counts are bounds, all of these will be used.
    if (ready !== null) this.#expected = Math.min(this.#expected + count, fetchedMax);
    return ready;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const error = new KvError('CLOSED', 'the node is closing');
    this.#current?.reject(error);
    this.#following?.reject(error);
  }

  // Timestamps

  arrive(): number {
    const isFresh = this.#env.clock.monotonic() - this.#heldMs < freshMs;
    return isFresh && this.#isOneShard() ? 0 : this.#begun + 1;
  }

  prepare(arrival: number, bound: number): Promise<void> | null {
    const count = Math.min(bound, preparedMax);
    const isThere = this.#next + count <= this.#end;
    if (isThere && arrival <= this.#done) return null;
    if (!isThere && count > this.#wanted) this.#wanted = count;
    const { promise } =
      this.#isFetching && arrival <= this.#begun && count <= fetchedMin
        ? (this.#current ??= awaited())
        : (this.#following ??= awaited());
    if (!this.#isFetching && !this.#isPausing) this.#begin();
    return promise;
  }

  async raise(version: number): Promise<void> {
    await this.prepare(this.#begun + 1, 1);
    if (this.#next > version) return;
    throw new KvError('UNAVAILABLE', `timestamps are at ${this.#next}, and a version at ${version} already`);
  }

  #begin(): void {
    if (this.#isClosed) return;
    const wanted = Math.max(this.#wanted, this.#expected, this.#usual);
    const count = Math.max(this.#wanted, Math.min(fetchedMax, Math.max(fetchedMin, wanted * 2)));
    this.#wanted = 0;
    this.#expected = 0;
    this.#isFetching = true;
    this.#begun++;
    this.#begunMs = this.#env.clock.monotonic();
    this.#current = this.#following;
    this.#following = null;
    this.#source.fetch(count).then(
      (first) => this.#arrived(first, count),
      (error: unknown) => this.#failed(error),
    );
  }

  #arrived(first: number, count: number): void {
    this.#isFetching = false;
    this.#done = this.#begun;
    this.#heldMs = this.#begunMs;
    this.#usual = Math.max(this.#next - this.#first, this.#usual >> 1);
    this.#first = first;
    this.#next = first;
    this.#end = first + count;
    const current = this.#current;
    this.#current = null;
    if (this.#following !== null) this.#begin();
    current?.resolve();
  }

  /** Who waited is told; what came since waits for another try. */
  #failed(error: unknown): void {
    const current = this.#current;
    this.#current = null;
    this.#isFetching = false;
    this.#isPausing = true;
    this.#env.timers.setTimeout(() => {
      this.#isPausing = false;
      if (this.#following !== null) this.#begin();
    }, retryDelayMs);
    current?.reject(error);
  }
}

function awaited(): Awaited {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Not everybody who caused a fetch waits for it.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
