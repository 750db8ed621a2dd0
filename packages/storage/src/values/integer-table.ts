/**
 * A small set of nothing but integers: one block of the arena, sorted, 8 bytes each.
 *
 *     | high i32, low u32 | high, low | ... | free |
 *
 * Members are the decimal texts of 64-bit integers as Redis writes them (no leading zeros, no plus), so
 * that text and number are the same thing. Most fit a double; the others take the way over bigint.
 * Entry numbers are positions from 1.
 */
// @hot-path
import { parseBigInteger, parseInteger, writeInteger } from '@holdfast/common';
import { type Arena, blockBytesMax, sizeClassOf, unitsOfClass } from '../arena.js';
import type { Entry, EntryView, FieldTable } from './field-table.js';

/** A table of integers never has more, whatever the limits say. */
export const integersMax: number = blockBytesMax / 8;

const highUnit = 0x100000000;

export class IntegerTable implements FieldTable {
  readonly arena: Arena;
  size = 0;
  #ref = 0;
  #sizeClass = 0;
  #walk = 0;
  // What the last `find` looked for, and where it belongs.
  #isInteger = false;
  #high = 0;
  #low = 0;
  #place = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Whether what `find` looked for last is an integer: otherwise it can't be added. */
  get canAdd(): boolean {
    return this.#isInteger;
  }

  find(bytes: Uint8Array, start: number, length: number): Entry {
    this.#parse(bytes, start, length);
    if (!this.#isInteger || this.size === 0) {
      this.#place = 0;
      return 0;
    }
    const words = this.arena.wordsOf(this.#ref);
    const base = this.arena.offset(this.#ref) >>> 2;
    const high = this.#high;
    const low = this.#low >>> 0;
    let from = 0;
    let to = this.size;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const at = base + 2 * middle;
      const order = words[at] - high || (words[at + 1] >>> 0) - low;
      if (order === 0) {
        this.#place = middle;
        return middle + 1;
      }
      if (order < 0) from = middle + 1;
      else to = middle;
    }
    this.#place = from;
    return 0;
  }

  /** Adds the integer that `find` just missed: see `canAdd`. */
  add(): Entry {
    const place = this.#place;
    this.#resize(this.size + 1);
    const words = this.arena.wordsOf(this.#ref);
    const base = this.arena.offset(this.#ref) >>> 2;
    words.copyWithin(base + 2 * place + 2, base + 2 * place, base + 2 * this.size);
    words[base + 2 * place] = this.#high;
    words[base + 2 * place + 1] = this.#low;
    this.size++;
    return place + 1;
  }

  remove(entry: Entry): void {
    const base = this.arena.offset(this.#ref) >>> 2;
    this.arena.wordsOf(this.#ref).copyWithin(base + 2 * entry - 2, base + 2 * entry, base + 2 * this.size);
    this.size--;
    this.#resize(this.size);
  }

  read(entry: Entry, view: EntryView): void {
    const at = (this.arena.offset(this.#ref) >>> 2) + 2 * entry - 2;
    const words = this.arena.wordsOf(this.#ref);
    const high = words[at];
    const low = words[at + 1] >>> 0;
    const n = high * highUnit + low;
    view.bytes = view.digits;
    view.start = 0;
    view.length = Number.isSafeInteger(n)
      ? writeInteger(view.digits, 0, n)
      : view.digits.write(((BigInt(high) << 32n) | BigInt(low)).toString(), 'latin1');
    view.valueBytes = view.digits;
    view.valueStart = 0;
    view.valueLength = 0;
  }

  rewind(): void {
    this.#walk = 0;
  }

  next(): Entry {
    return this.#walk === this.size ? 0 : ++this.#walk;
  }

  scan(_cursor: number, _count: number, into: Entry[]): number {
    for (let entry = 1; entry <= this.size; entry++) into.push(entry);
    return 0;
  }

  random(random: () => number): Entry {
    return 1 + Math.floor((random() / 0x100000000) * this.size);
  }

  release(_budget: number): boolean {
    this.size = 0;
    this.#resize(0);
    return true;
  }

  #parse(bytes: Uint8Array, start: number, length: number): void {
    const n = parseInteger(bytes, start, length);
    this.#isInteger = n === n;
    if (Number.isSafeInteger(n)) {
      this.#high = Math.floor(n / highUnit);
      this.#low = n | 0;
      if (n > 0x7fffffff || n < -0x80000000) this.#low = (n - this.#high * highUnit) | 0;
    } else if (this.#isInteger) {
      const big = parseBigInteger(bytes, start, length) as bigint;
      this.#high = Number(big >> 32n);
      this.#low = Number(BigInt.asIntN(32, big));
    }
  }

  /** Makes the block as large as `count` integers need; those that are there are kept. */
  #resize(count: number): void {
    const { arena } = this;
    const oldRef = this.#ref;
    const oldClass = this.#sizeClass;
    const room = oldRef === 0 ? 0 : unitsOfClass(oldClass);
    if (count <= room && count * 2 >= room) return;
    if (count === 0) {
      this.#ref = 0;
    } else {
      this.#sizeClass = sizeClassOf(count);
      this.#ref = arena.allocate(this.#sizeClass);
      if (oldRef !== 0) {
        const source = arena.offset(oldRef) >>> 2;
        const kept = Math.min(count, this.size) * 2;
        const target = arena.wordsOf(this.#ref);
        target.set(arena.wordsOf(oldRef).subarray(source, source + kept), arena.offset(this.#ref) >>> 2);
      }
    }
    if (oldRef !== 0) arena.free(oldRef, oldClass);
  }
}
