/**
 * When the records of a dict expire: the keys of a database, the fields of a large hash. The expiry lies in the
 * record, and a heap says which come next.
 *
 *     record  | expiry 900 | entry at 300 |          set to 900 later: the entry stays
 *     heap    (300, record) (500, ...) ...           comes up at 300: put back at 900
 *
 * A record that expires has one valid entry in the heap, at its expiry or earlier, whose time it knows (`queuedAt`):
 * what is given a later expiry again and again, as sessions are, leaves its entry alone. Entries of records that were
 * removed, moved or made to expire earlier are recognized when they come up, or dropped a few at a time while others
 * are added: the heap stays in proportion to what expires, and no command ever waits for it to be cleaned.
 */
// @hot-path
import type { Ref } from './arena.js';
import type { Dict } from './dict.js';
import { ExpiryQueue } from './expiry-queue.js';
import { hasExpiry } from './records.js';

/** Entries looked at by one call of `next`: some microseconds. */
const looksMax = 64;

export class Expiries {
  /** Number of records that expire. */
  count = 0;
  /** No record expires later. */
  latestMs = 0;
  readonly #dict: Dict;
  /** So many entries, beside two for each record that expires, may be there before they are looked through. */
  readonly #slack: number;
  readonly #queue = new ExpiryQueue();
  /** Where the next sweep goes on. */
  #sweepAt = 0;

  constructor(dict: Dict, slack: number) {
    this.#dict = dict;
    this.#slack = slack;
  }

  /** When the first record expires, or earlier: ms since 1970, Infinity when none does. */
  get earliestMs(): number {
    return this.#queue.earliestMs;
  }

  /** Entries of the heap, those that are no longer valid among them. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Memory taken by the heap. */
  get bytes(): number {
    return this.#queue.bytes;
  }

  /** Sets or, with 0, removes the expiry of the record that `find` just returned. Returns the record, which may be a new one. */
  set(ref: Ref, expiryMs: number): Ref {
    const dict = this.#dict;
    const head = dict.typeAndFlags(ref);
    const had = (head & hasExpiry) !== 0;
    if (expiryMs === 0) {
      if (!had) return ref;
      this.removed();
      return dict.replace(ref, dict.valueLength(ref), head & ~hasExpiry, true);
    }
    if (had) {
      this.#put(ref, expiryMs);
      return ref;
    }
    const record = dict.replace(ref, dict.valueLength(ref), head | hasExpiry, true);
    this.added(record, expiryMs);
    return record;
  }

  /** The record that was just created, or replaced, has room for an expiry now: this one. */
  added(ref: Ref, expiryMs: number): void {
    this.count++;
    this.#put(ref, expiryMs);
  }

  /** A record that expires was removed, or does not expire any more. */
  removed(): void {
    if (--this.count === 0) this.latestMs = 0;
  }

  /** A record that expires has a new block, the one that was just found or created: it needs another entry. */
  moved(ref: Ref): void {
    this.#enqueue(ref, this.#dict.expiry(ref));
  }

  /**
   * The record that expired at `nowMs` or before, found as by `find`: the caller removes it. 0 when there is none; -1 when
   * some are due to be looked at and none of the first was found to have expired: call again.
   */
  next(nowMs: number): Ref {
    const queue = this.#queue;
    const dict = this.#dict;
    for (let looks = looksMax; looks > 0; looks--) {
      const timeMs = queue.earliestMs;
      if (timeMs > nowMs) return 0;
      const ref = queue.ref(0);
      queue.pop();
      if (!this.#isEntryOf(timeMs, ref)) continue;
      const expiryMs = dict.expiry(ref);
      if (expiryMs <= nowMs) return ref;
      queue.push(expiryMs, ref);
      dict.setQueuedAt(ref, expiryMs);
    }
    return -1;
  }

  /** The record that expires first, found as by `find`; 0 when none does. */
  soonest(): Ref {
    const queue = this.#queue;
    const dict = this.#dict;
    while (queue.length > 0) {
      const timeMs = queue.earliestMs;
      const ref = queue.ref(0);
      const isValid = this.#isEntryOf(timeMs, ref);
      if (isValid && dict.expiry(ref) === timeMs) return ref;
      queue.pop();
      if (!isValid) continue;
      const expiryMs = dict.expiry(ref);
      queue.push(expiryMs, ref);
      dict.setQueuedAt(ref, expiryMs);
    }
    return 0;
  }

  /** As `Dict.sample`, of records that expire, at random places. There must be one. */
  sample(random: () => number, count: number, refs: Int32Array, accesses: Int32Array): number {
    const queue = this.#queue;
    let found = 0;
    for (let looks = count * 10; looks > 0 && found < count && queue.length > 0; looks--) {
      const i = random() % queue.length;
      const ref = queue.ref(i);
      if (!this.#isEntryOf(queue.timeMs(i), ref)) continue;
      refs[found] = ref;
      accesses[found++] = this.#dict.access;
    }
    if (found > 0) return found;
    refs[0] = this.soonest();
    accesses[0] = this.#dict.access;
    return 1;
  }

  /** Sets the expiry of a record that has room for one. Its entry in the heap stays when it is early enough. */
  #put(ref: Ref, expiryMs: number): void {
    const dict = this.#dict;
    dict.setExpiry(ref, expiryMs);
    if (expiryMs > this.latestMs) this.latestMs = expiryMs;
    const queuedAt = dict.queuedAt(ref);
    if (queuedAt === 0 || expiryMs < queuedAt) this.#enqueue(ref, expiryMs);
  }

  #enqueue(ref: Ref, expiryMs: number): void {
    const dict = this.#dict;
    if (this.#queue.length > this.#slack + this.count * 2) {
      this.#sweep();
      // The sweep looks records up; the last one found must be this one again.
      dict.find(dict.arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
    }
    this.#queue.push(expiryMs, ref);
    dict.setQueuedAt(ref, expiryMs);
  }

  /** Whether an entry of the heap is the valid one of a record that is there; leaves that found. */
  #isEntryOf(timeMs: number, ref: Ref): boolean {
    const dict = this.#dict;
    if (dict.queuedAt(ref) !== timeMs) return false;
    return dict.find(dict.arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref)) === ref;
  }

  /**
   * More than half of the entries are invalid: drops those among the next few. With each push that happens
   * here more are dropped than are added.
   */
  #sweep(): void {
    const queue = this.#queue;
    for (let looks = 4; looks > 0 && queue.length > 0; looks--) {
      if (this.#sweepAt >= queue.length) this.#sweepAt = 0;
      const i = this.#sweepAt;
      if (this.#isEntryOf(queue.timeMs(i), queue.ref(i))) this.#sweepAt++;
      else queue.remove(i);
    }
  }
}
