/**
 * A table of any size: a `Dict` from fields to values. A value too large for a record has a buffer of its
 * own beside the arena, which the record names. Entry numbers are the records' refs.
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import type { Arena } from '../arena.js';
import { Dict } from '../dict.js';
import { Expiries } from '../expiries.js';
import { hasExpiry, hasObject } from '../records.js';
import type { Entry, EntryView, FieldTable } from './field-table.js';

/** Values up to this length lie in the field's record, which must not outgrow the arena's blocks. */
export const inlineBytesMax: number = 512 * 1024;

/** See `Expiries`. */
const invalidExpiriesMax = 64;

export class FieldDict implements FieldTable {
  readonly arena: Arena;
  readonly dict: Dict;
  #expiries: Expiries | null = null;
  /** Records with a buffer of their own: these must be looked at before they are freed. */
  #large = 0;
  #isReleasing = false;

  constructor(arena: Arena, seed: number) {
    this.arena = arena;
    this.dict = new Dict(arena, seed);
  }

  get size(): number {
    return this.dict.size;
  }

  /** Entries in the queue of what expires, those that are no longer valid among them. */
  get queuedExpiries(): number {
    return this.#expiries === null ? 0 : this.#expiries.queued;
  }

  find(bytes: Uint8Array, start: number, length: number): Entry {
    return this.dict.find(bytes, start, length);
  }

  add(
    bytes: Uint8Array,
    start: number,
    length: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): Entry {
    const { dict } = this;
    if (valueLength > inlineBytesMax) {
      const large = dict.create(bytes, start, length, 0, hasObject);
      this.#attach(large, value, valueStart, valueLength);
      return large;
    }
    const ref = dict.create(bytes, start, length, valueLength, 0);
    copyBytes(value, valueStart, this.arena.chunk(ref), dict.valueStart(ref), valueLength);
    return ref;
  }

  /** Gives the entry that `find` just returned another value; its expiry stays. */
  setValue(entry: Entry, value: Uint8Array, valueStart: number, valueLength: number): Entry {
    const { dict } = this;
    const head = dict.typeAndFlags(entry);
    const isLarge = valueLength > inlineBytesMax;
    if ((head & hasObject) !== 0) this.#detach(entry);
    const flags = isLarge ? head | hasObject : head & ~hasObject;
    const ref = dict.replace(entry, isLarge ? 0 : valueLength, flags, false);
    if (isLarge) this.#attach(ref, value, valueStart, valueLength);
    else copyBytes(value, valueStart, this.arena.chunk(ref), dict.valueStart(ref), valueLength);
    if (ref !== entry && (flags & hasExpiry) !== 0) this.#expiries?.moved(ref);
    return ref;
  }

  remove(entry: Entry): void {
    const head = this.dict.typeAndFlags(entry);
    if ((head & hasObject) !== 0) this.#detach(entry);
    if ((head & hasExpiry) !== 0) this.#expiries?.removed();
    this.dict.remove(entry);
  }

  read(entry: Entry, view: EntryView): void {
    const { arena, dict } = this;
    const chunk = arena.chunk(entry);
    const start = dict.keyStart(entry);
    const length = dict.keyLength(entry);
    view.bytes = chunk;
    view.start = start;
    view.length = length;
    if ((dict.typeAndFlags(entry) & hasObject) !== 0) {
      const large = arena.object(dict.object(entry)) as Buffer;
      view.valueBytes = large;
      view.valueStart = 0;
      view.valueLength = large.length;
      return;
    }
    view.valueBytes = chunk;
    view.valueStart = start + length;
    view.valueLength = dict.valueLength(entry);
  }

  /** Ms since 1970; 0 when the entry does not expire. */
  expiry(entry: Entry): number {
    return this.dict.expiry(entry);
  }

  /** Sets when the entry that `find` just returned expires, or with 0 that it does not. Returns the entry. */
  setExpiry(entry: Entry, expiryMs: number): Entry {
    if (this.#expiries === null) {
      if (expiryMs === 0) return entry;
      this.#expiries = new Expiries(this.dict, invalidExpiriesMax);
    }
    return this.#expiries.set(entry, expiryMs);
  }

  /** When the first entry expires, or earlier; Infinity when none does. */
  get earliestExpiryMs(): number {
    const expiries = this.#expiries;
    return expiries === null || expiries.count === 0 ? Number.POSITIVE_INFINITY : expiries.earliestMs;
  }

  /** Whether all entries are known to have expired at `nowMs`: then the table may go as a whole. */
  hasExpired(nowMs: number): boolean {
    const expiries = this.#expiries;
    return expiries !== null && expiries.count === this.size && expiries.latestMs <= nowMs;
  }

  /** An entry that expired at `nowMs` or before, found as by `find`; 0 when there is none. */
  nextExpired(nowMs: number): Entry {
    if (this.#expiries === null) return 0;
    for (;;) {
      const ref = this.#expiries.next(nowMs);
      if (ref >= 0) return ref;
    }
  }

  rewind(): void {
    this.dict.rewind();
  }

  next(): Entry {
    return this.dict.next();
  }

  scan(cursor: number, count: number, into: Entry[]): number {
    return this.dict.scan(cursor, count, into);
  }

  random(random: () => number): Entry {
    return this.dict.random(random);
  }

  release(budget: number): boolean {
    const { dict } = this;
    if (!this.#isReleasing) {
      this.#isReleasing = true;
      this.#expiries = null;
      dict.rewind();
    }
    // The buffers go first: their records must still be there.
    for (let looks = budget; this.#large > 0; looks--) {
      if (looks === 0) return false;
      const ref = dict.next();
      if ((dict.typeAndFlags(ref) & hasObject) !== 0) this.#detach(ref);
    }
    return dict.release(budget);
  }

  #attach(ref: Entry, value: Uint8Array, start: number, length: number): void {
    const large = Buffer.allocUnsafeSlow(length);
    copyBytes(value, start, large, 0, length);
    this.arena.usedBytes += length;
    this.#large++;
    this.dict.setObject(ref, this.arena.attach(large));
  }

  #detach(ref: Entry): void {
    const number = this.dict.object(ref);
    this.arena.usedBytes -= (this.arena.object(number) as Buffer).length;
    this.arena.detach(number);
    this.#large--;
  }
}
