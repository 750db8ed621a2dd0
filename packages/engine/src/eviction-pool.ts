/**
 * The best candidates for eviction that were seen so far, worst first: with a few samples each time, the pool
 * comes close to the key that a full search would find (antirez, "Random notes on improving the Redis LRU
 * algorithm", 2016). A candidate that was accessed, written or removed since is none any more.
 */
// @hot-path
import type { Database, Dict, Ref } from '@holdfast/storage';

const poolSize = 16;

export class EvictionPool {
  #count = 0;
  readonly #scores = new Float64Array(poolSize);
  readonly #refs = new Int32Array(poolSize);
  readonly #accesses = new Int32Array(poolSize);
  readonly #versions = new Float64Array(poolSize);
  readonly #databases: (Database | null)[] = new Array(poolSize).fill(null);
  /** A database that was flushed has another dict, and other blocks under the same refs. */
  readonly #dicts: (Dict | null)[] = new Array(poolSize).fill(null);

  /** The database of the key that `take` returned. */
  database!: Database;

  clear(): void {
    this.#count = 0;
    this.#databases.fill(null);
    this.#dicts.fill(null);
  }

  /** Offers a candidate; the higher the score, the sooner it goes. */
  offer(database: Database, ref: Ref, access: number, score: number): void {
    const scores = this.#scores;
    if (this.#count === poolSize) {
      if (score <= scores[0]) return;
      this.#shift(1, 0, poolSize - 1);
      this.#count--;
    }
    let at = this.#count;
    while (at > 0 && scores[at - 1] > score) at--;
    this.#shift(at, at + 1, this.#count - at);
    this.#count++;
    scores[at] = score;
    this.#refs[at] = ref;
    this.#accesses[at] = access;
    this.#versions[at] = database.version(ref);
    this.#databases[at] = database;
    this.#dicts[at] = database.dict;
  }

  /** The record of the best candidate that still is one, found as by `find` of `database`; 0 when none is left. */
  take(): Ref {
    while (this.#count > 0) {
      const last = --this.#count;
      const database = this.#databases[last] as Database;
      const ref = this.#refs[last];
      const isSame = database.dict === this.#dicts[last] && this.#isStillThere(database, ref, last);
      this.#databases[last] = null;
      this.#dicts[last] = null;
      if (!isSame) continue;
      this.database = database;
      return ref;
    }
    return 0;
  }

  #isStillThere({ arena, dict }: Database, ref: Ref, at: number): boolean {
    // A block with another stamp is of another key, or of none.
    if (dict.stamp(ref) !== this.#versions[at]) return false;
    const found = dict.find(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
    return found === ref && (!dict.tracksAccess || dict.access === this.#accesses[at]);
  }

  /** Moves `count` candidates. */
  #shift(from: number, to: number, count: number): void {
    const end = from + count;
    this.#scores.copyWithin(to, from, end);
    this.#refs.copyWithin(to, from, end);
    this.#accesses.copyWithin(to, from, end);
    this.#versions.copyWithin(to, from, end);
    this.#databases.copyWithin(to, from, end);
    this.#dicts.copyWithin(to, from, end);
  }
}
