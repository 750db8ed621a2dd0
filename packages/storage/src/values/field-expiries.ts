/**
 * When the fields of a large hash expire: the expiry lies in the field's record, and a heap says which
 * come next.
 *
 * A field has one valid entry in the heap, at its expiry or earlier, whose time its record knows
 * (`queuedAt`). A later expiry leaves the entry alone; entries that became invalid are recognized when
 * they come up, or dropped a few at a time while others are added, so that the heap stays in proportion
 * to the fields that expire.
 */
// @hot-path
import type { Ref } from '../arena.js';
import { type Dict, hasExpiry } from '../dict.js';
import { ExpiryQueue } from '../expiry-queue.js';

export class FieldExpiries {
  /** Number of fields that expire. */
  count = 0;
  /** No field expires later. */
  latestMs = 0;
  readonly #dict: Dict;
  readonly #queue = new ExpiryQueue();
  #sweepAt = 0;

  constructor(dict: Dict) {
    this.#dict = dict;
  }

  /** When the first field expires, or earlier; Infinity when none does. */
  get earliestMs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.#queue.earliestMs;
  }

  /** Entries of the heap, those that are no longer valid among them. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Sets or, with 0, removes the expiry of the record that `find` just returned. Returns the record. */
  set(ref: Ref, expiryMs: number): Ref {
    const dict = this.#dict;
    const head = dict.typeAndFlags(ref);
    const had = (head & hasExpiry) !== 0;
    if (expiryMs === 0) {
      if (!had) return ref;
      this.removed();
      return dict.replace(ref, dict.valueLength(ref), head & ~hasExpiry, true);
    }
    let record = ref;
    if (!had) {
      this.count++;
      record = dict.replace(ref, dict.valueLength(ref), head | hasExpiry, true);
    }
    dict.setExpiry(record, expiryMs);
    if (expiryMs > this.latestMs) this.latestMs = expiryMs;
    const queuedAt = dict.queuedAt(record);
    if (queuedAt === 0 || expiryMs < queuedAt) this.enqueue(record);
    return record;
  }

  /** A record that expires got a new block, or an earlier expiry: it needs another entry. */
  enqueue(ref: Ref): void {
    const dict = this.#dict;
    const expiryMs = dict.expiry(ref);
    if (this.#queue.length > 64 + this.count * 2) {
      this.#sweep();
      // The sweep looks fields up; the last one found must be this one again.
      dict.find(dict.arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
    }
    this.#queue.push(expiryMs, ref);
    dict.setQueuedAt(ref, expiryMs);
  }

  /** A field that expires is removed, or does not expire any more. */
  removed(): void {
    if (--this.count === 0) this.latestMs = 0;
  }

  /** A record that expired at `nowMs` or before, found as by `find`: the caller removes it. 0 when there is none. */
  next(nowMs: number): Ref {
    const queue = this.#queue;
    while (queue.earliestMs <= nowMs) {
      const timeMs = queue.earliestMs;
      const ref = queue.ref(0);
      queue.pop();
      if (!this.#isEntryOf(timeMs, ref)) continue;
      const expiryMs = this.#dict.expiry(ref);
      if (expiryMs <= nowMs) return ref;
      queue.push(expiryMs, ref);
      this.#dict.setQueuedAt(ref, expiryMs);
    }
    return 0;
  }

  #isEntryOf(timeMs: number, ref: Ref): boolean {
    const dict = this.#dict;
    if (dict.queuedAt(ref) !== timeMs) return false;
    return dict.find(dict.arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref)) === ref;
  }

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
