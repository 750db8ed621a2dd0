/**
 * Keeps memory within `maxmemory`: before a command runs, keys are removed that the policy can do without, and
 * if that is not enough, commands that need more memory are refused.
 *
 * What counts is what the data takes (arenas, indexes), what clients have waiting in their buffers, and
 * what the process takes beside, as far as it is out of proportion: see `beside`. An eviction is a write like any other:
 * it has a version, a mutation, observers, an event. It happens between commands only, never within a
 * transaction or script.
 */
// @hot-path
import { databasesMax } from '@holdfast/common';
import type { Database, Ref } from '@holdfast/storage';
import type { Command } from './command.js';
import { EvictionPool } from './eviction-pool.js';
import { isOutOfVersions } from './expiry.js';
import type { KV } from './kv.js';
import type { Session } from './session.js';

export const outOfMemory = "OOM command not allowed when used memory > 'maxmemory'.";

/** How often the time is looked at: after so many keys. */
const looksEvery = 16;
/** Elements of removed collections whose memory is given back while keys are evicted, at once. */
const releaseBudget = 4096;
/** What counts beside the data is measured anew at the limit when it is older than this, in ms. */
const measuredMsMax = 10;
const sampleCountMax = 64;

/** What came of making room: it is there, more is to be done and can be, or nothing more can go. */
export type Room = 'enough' | 'more' | 'none';

export class Eviction {
  /** `maxmemory`, or its part of it: see `divideBy`. 0 for no limit. */
  limitBytes = 0;
  /** What counts beside the data: set by `measure`, which whoever knows replaces, and calls a few times a second. */
  besideBytes = 0;
  measure: () => void = () => {};
  /** There was no room as the command that runs now began: scripts ask. */
  isOutOfMemory = false;
  /** Time in which memory was over the limit though keys were evicted, in ms: so far, and since when now (NaN: it is not). */
  exceededMs = 0;
  exceededSinceMs = Number.NaN;
  readonly #kv: KV;
  readonly #pool = new EvictionPool();
  readonly #refs = new Int32Array(sampleCountMax);
  readonly #accesses = new Int32Array(sampleCountMax);
  #parts = 1;
  /** `allkeys` or `volatile`, and by what; '' evicts nothing. */
  #isOfAll = false;
  #rule = '';
  #sampleCount = 5;
  #budgetMs = 0.5;
  #measuredMs = Number.NEGATIVE_INFINITY;
  /** Where a random policy goes on. */
  #nextDatabase = 0;
  readonly #draw: () => number;

  constructor(kv: KV) {
    this.#kv = kv;
    this.#draw = () => kv.env.random.uint32();
    const { config } = kv;
    config.onChange('maxmemory', () => this.#setLimit());
    config.onChange('maxmemory-policy', (policy) => {
      const [whose, rule = ''] = policy.split('-');
      this.#isOfAll = whose === 'allkeys';
      this.#rule = rule;
      this.#pool.clear();
    });
    config.onChange('maxmemory-samples', () => {
      this.#sampleCount = Math.min(config.number('maxmemory-samples'), sampleCountMax);
    });
    config.onChange('maxmemory-eviction-tenacity', () => {
      this.#budgetMs = budgetMsOf(config.number('maxmemory-eviction-tenacity'));
    });
  }

  /** What is held against the limit. What waits to be written to a disk is not: removing keys adds to it. */
  get usedBytes(): number {
    const { storage } = this.#kv;
    return storage.usedBytes - storage.pendingBytes + this.besideBytes;
  }

  /** `maxmemory` is for so many engines: this one has an equal part. Infinity: it has none, and no limit. */
  divideBy(parts: number): void {
    this.#parts = parts;
    this.#setLimit();
  }

  #setLimit(): void {
    this.limitBytes = Math.ceil(this.#kv.config.number('maxmemory') / this.#parts);
    if (this.limitBytes === 0) this.isOutOfMemory = false;
    // Nobody looks while there is no limit.
    else this.#measure(this.#kv.env.clock.monotonic());
  }

  /** For how long memory has been over the limit now, in ms. */
  get exceededNowMs(): number {
    const since = this.exceededSinceMs;
    return since === since ? this.#kv.env.clock.monotonic() - since : 0;
  }

  /** Makes room before a command; whether it may run. Only with a limit. */
  admits(session: Session, command: Command): boolean {
    this.isOutOfMemory = this.makeRoom(this.#budgetMs) === 'none';
    return !this.isOutOfMemory || !mayGrow(session, command);
  }

  /** Removes keys until memory is within the limit, for at most so long. Not while a command runs. */
  makeRoom(budgetMs: number): Room {
    if (this.limitBytes === 0 || this.usedBytes <= this.limitBytes) return this.#ends('enough');
    const { clock } = this.#kv.env;
    // Who may not write is not refused for want of memory, either.
    if (this.#kv.keepsExpired) return 'enough';
    const startMs = clock.monotonic();
    if (startMs - this.#measuredMs > measuredMsMax) this.#measure(startMs);
    let room = this.#evictFor(startMs, budgetMs);
    // Buffers may have been emptied meanwhile: nobody is refused for what is not there any more.
    if (room === 'none' && this.#measuredMs < startMs) {
      this.#measure(startMs);
      room = this.#evictFor(startMs, budgetMs);
    }
    this.#kv.stopwatch.latency.add('eviction-cycle', clock.monotonic() - startMs, this.#kv.context.nowMs);
    return this.#ends(room);
  }

  #measure(nowMs: number): void {
    this.#measuredMs = nowMs;
    this.measure();
  }

  #evictFor(startMs: number, budgetMs: number): Room {
    const { clock } = this.#kv.env;
    const { stamp } = this.#kv.storage;
    let room: Room | null = null;
    stamp.reset();
    for (let count = 1; room === null; count++) {
      room = this.#evictOne();
      if (room === null && count % looksEvery === 0 && clock.monotonic() - startMs >= budgetMs) room = 'more';
    }
    stamp.reset();
    return room;
  }

  /** One step towards the limit; what came of it all when there is none left to be made. */
  #evictOne(): Room | null {
    if (this.usedBytes <= this.limitBytes) return 'enough';
    const { storage } = this.#kv;
    if (!storage.releaseSome(releaseBudget)) return null;
    if (this.usedBytes <= this.limitBytes) return 'enough';
    const database = this.#rule === '' ? null : this.#choose();
    if (database === null) return 'none';
    return this.#evict(database, this.#chosen) ? null : 'none';
  }

  #ends(room: Room): Room {
    const { clock } = this.#kv.env;
    if (room === 'enough') {
      if (this.exceededSinceMs === this.exceededSinceMs) {
        this.exceededMs += clock.monotonic() - this.exceededSinceMs;
        this.exceededSinceMs = Number.NaN;
      }
    } else if (this.exceededSinceMs !== this.exceededSinceMs) {
      this.exceededSinceMs = clock.monotonic();
    }
    return room;
  }

  /** The record that `#choose` found, as by `find`. */
  #chosen: Ref = 0;

  /** The database of the key that goes next; null when the policy knows none. */
  #choose(): Database | null {
    if (this.#rule === 'random') return this.#chooseAny();
    if (this.#rule === 'ttl') return this.#chooseSoonest();
    for (;;) {
      if (!this.#fillPool()) return null;
      this.#chosen = this.#pool.take();
      if (this.#chosen !== 0) return this.#pool.database;
    }
  }

  /** Offers some keys of each database to the pool; false when there are none. */
  #fillPool(): boolean {
    const { usage: clock, storage } = this.#kv;
    let seen = 0;
    for (let index = 0; index < databasesMax; index++) {
      const database = storage.database(index);
      const found = this.#sample(database, this.#sampleCount);
      seen += found;
      for (let i = 0; i < found; i++) {
        const ref = this.#refs[i];
        const access = this.#accesses[i];
        const version = database.version(ref);
        const score = clock.countsAccesses
          ? 255 - clock.frequency(access, version)
          : clock.idleMs(access, version);
        this.#pool.offer(database, ref, access, score);
      }
    }
    return seen > 0;
  }

  #sample(database: Database, count: number): number {
    if ((this.#isOfAll ? database.size : database.expiries.count) === 0) return 0;
    if (this.#isOfAll) return database.dict.sample(this.#draw, count, this.#refs, this.#accesses);
    return database.expiries.sample(this.#draw, count, this.#refs, this.#accesses);
  }

  /** A random key, of one database after the other. */
  #chooseAny(): Database | null {
    for (let tries = 0; tries < databasesMax; tries++) {
      this.#nextDatabase = (this.#nextDatabase + 1) % databasesMax;
      const database = this.#kv.storage.database(this.#nextDatabase);
      if (this.#sample(database, 1) === 0) continue;
      const { arena, dict } = database;
      const ref = this.#refs[0];
      this.#chosen = dict.find(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
      return database;
    }
    return null;
  }

  /** The key that would expire first, of all databases. */
  #chooseSoonest(): Database | null {
    let chosen: Database | null = null;
    let soonestMs = Number.POSITIVE_INFINITY;
    for (let index = 0; index < databasesMax; index++) {
      const database = this.#kv.storage.database(index);
      if (database.expiries.count === 0) continue;
      const ref = database.expiries.soonest();
      if (ref === 0 || database.expiry(ref) >= soonestMs) continue;
      soonestMs = database.expiry(ref);
      this.#chosen = ref;
      chosen = database;
    }
    return chosen;
  }

  /** False when no version is at hand for it. */
  #evict(database: Database, ref: Ref): boolean {
    const kv = this.#kv;
    try {
      kv.removeAs('e', 'evicted', 'lazyfree-lazy-eviction', database, ref);
    } catch (error) {
      if (!isOutOfVersions(error)) throw error;
      return false;
    }
    kv.stats.evicted++;
    kv.propagation?.flush();
    return true;
  }
}

const endsTransaction: ReadonlySet<string> = new Set(['DISCARD', 'QUIT', 'RESET']);

/** Whether a command, or one that EXEC is about to run, may need more memory. */
function mayGrow({ transaction }: Session, { flags, name }: Command): boolean {
  if (flags.has('denyoom')) return true;
  if (transaction === null || endsTransaction.has(name)) return false;
  // Whatever is queued takes memory, however much of it there is.
  if (name !== 'EXEC') return true;
  return transaction.queue.some(({ command }) => command.flags.has('denyoom'));
}

/** How long evicting may hold up a command: Redis' scale, from 0 to 10 in steps of 50 us, then by 15% each, to 100: as long as it takes. */
function budgetMsOf(tenacity: number): number {
  if (tenacity <= 10) return tenacity * 0.05;
  return tenacity < 100 ? 0.5 * 1.15 ** (tenacity - 10) : Number.POSITIVE_INFINITY;
}
