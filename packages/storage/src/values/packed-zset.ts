/**
 * A small sorted set: its entries in order, one after another in one block of the arena.
 *
 *     block   | entry | entry | entry | free ... |
 *
 *     entry   | score: double | length of the member 16, units of the entry before 16 | member | 0-7 free |
 *
 * An entry begins at a unit of 8 bytes and takes whole units. All positions here are in units from the
 * beginning of the block. Whatever is asked for is found by walking from the first entry.
 */
// @hot-path
import { bytesEqual, compareBytes, copyBytes } from '@holdfast/common';
import { type Arena, type Ref, sizeClassOf, unitsOfClass } from '../arena.js';
import type { ZSetBound } from './zset-bound.js';
import type { ZSetCursor } from './zset-cursor.js';
import type { ZSetMembers } from './zset-members.js';

/** Positions and lengths fit in 16 bits, and a walk stays short, whatever the configuration allows. */
const unitsMax = 8192;

/** An entry on its way to another place. */
const moving = new Float64Array(unitsMax);

export class PackedZSet implements ZSetMembers {
  size = 0;
  readonly #arena: Arena;
  /** 0 while the set is empty. */
  #block: Ref = 0;
  #sizeClass = 0;
  /** Units of the block that entries take. */
  #used = 0;
  /** Position of the entry that `score` found. */
  #found = 0;
  /** Units of the entry before the position that `#placeFor` returned. */
  #before = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Whether there is room for one more member of a length. */
  fits(length: number): boolean {
    return this.#used + unitsFor(length) <= unitsMax;
  }

  score(bytes: Uint8Array, start: number, length: number): number {
    if (this.size === 0) return Number.NaN;
    const arena = this.#arena;
    const words = arena.wordsOf(this.#block);
    const chunk = arena.chunk(this.#block);
    const first = arena.offset(this.#block) >>> 3;
    const end = first + this.#used;
    for (let at = first; at < end; ) {
      const memberLength = words[2 * at + 2] & 0xffff;
      if (memberLength === length && bytesEqual(chunk, 8 * at + 12, bytes, start, length)) {
        this.#found = at - first;
        return arena.doublesOf(this.#block)[at];
      }
      at += unitsFor(memberLength);
    }
    return Number.NaN;
  }

  rank(): number {
    let rank = 0;
    for (let at = 0; at < this.#found; at += this.#unitsAt(at)) rank++;
    return rank;
  }

  add(bytes: Uint8Array, start: number, length: number, score: number): void {
    const units = unitsFor(length);
    const at = this.#placeFor(score, bytes, start, length, -1);
    this.#resize(this.#used + units);
    const arena = this.#arena;
    const doubles = arena.doublesOf(this.#block);
    const first = arena.offset(this.#block) >>> 3;
    doubles.copyWithin(first + at + units, first + at, first + this.#used);
    this.#used += units;
    this.size++;
    doubles[first + at] = score;
    arena.wordsOf(this.#block)[2 * (first + at) + 2] = length | (this.#before << 16);
    copyBytes(bytes, start, arena.chunk(this.#block), 8 * (first + at) + 12, length);
    this.#link(at + units, units);
  }

  update(score: number): void {
    const from = this.#found;
    const arena = this.#arena;
    const doubles = arena.doublesOf(this.#block);
    const first = arena.offset(this.#block) >>> 3;
    const units = this.#unitsAt(from);
    const memberStart = 8 * (first + from) + 12;
    const to = this.#placeFor(score, arena.chunk(this.#block), memberStart, this.#lengthAt(from), from);
    doubles[first + from] = score;
    if (to === from + units) return;
    const isBack = to < from;
    const before = isBack ? this.#before : this.#unitsBefore(from);
    for (let i = 0; i < units; i++) moving[i] = doubles[first + from + i];
    if (isBack) doubles.copyWithin(first + to + units, first + to, first + from);
    else doubles.copyWithin(first + from, first + from + units, first + to);
    const target = isBack ? to : to - units;
    for (let i = 0; i < units; i++) doubles[first + target + i] = moving[i];
    if (isBack) this.#linkAll(to, from + units, before);
    else this.#linkAll(from, to, before);
  }

  remove(): void {
    this.#removeFrom(this.#found);
  }

  removeAt(rank: number): void {
    this.#removeFrom(this.#positionOf(rank));
  }

  countBefore(bound: ZSetBound): number {
    if (this.size === 0) return 0;
    const arena = this.#arena;
    const chunk = arena.chunk(this.#block);
    const doubles = arena.doublesOf(this.#block);
    const first = arena.offset(this.#block) >>> 3;
    let count = 0;
    for (let at = 0; at < this.#used; at += this.#unitsAt(at)) {
      if (!bound.follows(doubles[first + at], chunk, 8 * (first + at) + 12, this.#lengthAt(at))) break;
      count++;
    }
    return count;
  }

  seek(cursor: ZSetCursor, rank: number): void {
    this.read(cursor, this.#positionOf(rank));
  }

  stepForward(cursor: ZSetCursor): boolean {
    const at = cursor.slot + unitsFor(cursor.length);
    if (at >= this.#used) return false;
    this.read(cursor, at);
    return true;
  }

  stepBack(cursor: ZSetCursor): boolean {
    if (cursor.slot === 0) return false;
    this.read(cursor, cursor.slot - this.#unitsBefore(cursor.slot));
    return true;
  }

  /** Names all entries at once, whatever `count` says: there are few. */
  scan(_position: number, _count: number, into: number[]): number {
    for (let at = 0; at < this.#used; at += this.#unitsAt(at)) into.push(at);
    return 0;
  }

  read(cursor: ZSetCursor, at: number): void {
    const arena = this.#arena;
    const first = arena.offset(this.#block) >>> 3;
    cursor.bytes = arena.chunk(this.#block);
    cursor.start = 8 * (first + at) + 12;
    cursor.length = this.#lengthAt(at);
    cursor.score = arena.doublesOf(this.#block)[first + at];
    cursor.slot = at;
  }

  release(_budget: number): boolean {
    if (this.#block !== 0) this.#arena.free(this.#block, this.#sizeClass);
    this.#block = 0;
    return true;
  }

  #lengthAt(at: number): number {
    const arena = this.#arena;
    return arena.wordsOf(this.#block)[(arena.offset(this.#block) >>> 2) + 2 * at + 2] & 0xffff;
  }

  #unitsAt(at: number): number {
    return unitsFor(this.#lengthAt(at));
  }

  #unitsBefore(at: number): number {
    const arena = this.#arena;
    return arena.wordsOf(this.#block)[(arena.offset(this.#block) >>> 2) + 2 * at + 2] >>> 16;
  }

  /** Tells an entry, if there is one at `at`, how many units the one before it takes. */
  #link(at: number, unitsBefore: number): void {
    if (at >= this.#used) return;
    const arena = this.#arena;
    const word = (arena.offset(this.#block) >>> 2) + 2 * at + 2;
    const words = arena.wordsOf(this.#block);
    words[word] = (words[word] & 0xffff) | (unitsBefore << 16);
  }

  /** As `#link`, for the entries from `start` to the one at `end`. */
  #linkAll(start: number, end: number, unitsBefore: number): void {
    let units = unitsBefore;
    for (let at = start; at <= end && at < this.#used; at += units) {
      this.#link(at, units);
      units = this.#unitsAt(at);
    }
  }

  #positionOf(rank: number): number {
    let at = 0;
    for (let i = 0; i < rank; i++) at += this.#unitsAt(at);
    return at;
  }

  /** The position of the first entry, other than the one at `except`, that comes after (score, member). */
  #placeFor(score: number, bytes: Uint8Array, start: number, length: number, except: number): number {
    this.#before = 0;
    if (this.size === 0) return 0;
    const arena = this.#arena;
    const chunk = arena.chunk(this.#block);
    const words = arena.wordsOf(this.#block);
    const doubles = arena.doublesOf(this.#block);
    const first = arena.offset(this.#block) >>> 3;
    let at = 0;
    while (at < this.#used) {
      const other = doubles[first + at];
      const otherLength = words[2 * (first + at) + 2] & 0xffff;
      if (at !== except && other >= score) {
        if (other > score) break;
        if (compareBytes(chunk, 8 * (first + at) + 12, otherLength, bytes, start, length) > 0) break;
      }
      this.#before = unitsFor(otherLength);
      at += this.#before;
    }
    return at;
  }

  #removeFrom(at: number): void {
    const units = this.#unitsAt(at);
    const before = this.#unitsBefore(at);
    const first = this.#arena.offset(this.#block) >>> 3;
    const end = first + this.#used;
    this.#arena.doublesOf(this.#block).copyWithin(first + at, first + at + units, end);
    this.#used -= units;
    this.size--;
    this.#link(at, before);
    if (this.#used * 2 < unitsOfClass(this.#sizeClass)) this.#resize(this.#used);
  }

  /** Sees to a block for `units`: with some to spare when it is too small, and smaller when it is too large. */
  #resize(units: number): void {
    const arena = this.#arena;
    const room = this.#block === 0 ? 0 : unitsOfClass(this.#sizeClass);
    if (units <= room && units * 2 >= room) return;
    const old = this.#block;
    const oldClass = this.#sizeClass;
    this.#block = 0;
    if (units > 0) {
      this.#sizeClass = sizeClassOf(units + (units >>> 3));
      this.#block = arena.allocate(this.#sizeClass);
    }
    if (units > 0 && old !== 0) {
      const source = arena.doublesOf(old);
      const target = arena.doublesOf(this.#block);
      const sourceAt = arena.offset(old) >>> 3;
      const targetAt = arena.offset(this.#block) >>> 3;
      for (let i = 0; i < this.#used; i++) target[targetAt + i] = source[sourceAt + i];
    }
    if (old !== 0) arena.free(old, oldClass);
  }
}

/** Units of the entry of a member of `length` bytes. */
function unitsFor(length: number): number {
  return (length + 19) >>> 3;
}
