/** A large sorted set: a Dict from member to score (its stamp), and an ordered index of the Dict's records. */
// @hot-path
import type { Arena, Ref } from '../arena.js';
import type { Dict } from '../dict.js';
import { OrderedIndex } from './ordered-index.js';
import type { ZSetBound } from './zset-bound.js';
import type { ZSetCursor } from './zset-cursor.js';
import type { ZSetMembers } from './zset-members.js';

export class IndexedZSet implements ZSetMembers {
  readonly #arena: Arena;
  readonly #dict: Dict;
  readonly #index: OrderedIndex;
  /** The record of the member that `score` found. */
  #found: Ref = 0;

  /** `dict` has scores as stamps; it belongs to the set from now on. */
  constructor(dict: Dict) {
    const index = new OrderedIndex(dict);
    dict.forEach((ref) => {
      index.insert(dict.stamp(ref), ref);
    });
    this.#arena = dict.arena;
    this.#dict = dict;
    this.#index = index;
  }

  get size(): number {
    return this.#index.size;
  }

  score(bytes: Uint8Array, start: number, length: number): number {
    const ref = this.#dict.find(bytes, start, length);
    this.#found = ref;
    return ref === 0 ? Number.NaN : this.#dict.stamp(ref);
  }

  rank(): number {
    const index = this.#index;
    index.locate(this.#dict.stamp(this.#found), this.#found);
    return index.rankHere;
  }

  add(bytes: Uint8Array, start: number, length: number, score: number): void {
    const dict = this.#dict;
    const ref = dict.create(bytes, start, length, 0, 0);
    dict.setStamp(ref, score);
    this.#index.insert(score, ref);
  }

  update(score: number): void {
    const ref = this.#found;
    this.#index.move(this.#dict.stamp(ref), score, ref);
    this.#dict.setStamp(ref, score);
  }

  remove(): void {
    const ref = this.#found;
    this.#index.locate(this.#dict.stamp(ref), ref);
    this.#index.removeHere();
    this.#dict.remove(ref);
  }

  removeAt(rank: number): void {
    const dict = this.#dict;
    const index = this.#index;
    index.seek(rank);
    const ref = index.refAt(index.leaf, index.slot);
    index.removeHere();
    dict.find(this.#arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
    dict.remove(ref);
  }

  countBefore(bound: ZSetBound): number {
    return this.#index.countBefore(bound);
  }

  seek(cursor: ZSetCursor, rank: number): void {
    const index = this.#index;
    index.seek(rank);
    cursor.node = index.leaf;
    cursor.slot = index.slot;
    this.read(cursor, index.refAt(cursor.node, cursor.slot));
  }

  stepForward(cursor: ZSetCursor): boolean {
    const index = this.#index;
    if (++cursor.slot === index.countOf(cursor.node)) {
      cursor.node = index.nextOf(cursor.node);
      cursor.slot = 0;
      if (cursor.node === 0) return false;
    }
    this.read(cursor, index.refAt(cursor.node, cursor.slot));
    return true;
  }

  stepBack(cursor: ZSetCursor): boolean {
    const index = this.#index;
    if (--cursor.slot < 0) {
      cursor.node = index.previousOf(cursor.node);
      if (cursor.node === 0) return false;
      cursor.slot = index.countOf(cursor.node) - 1;
    }
    this.read(cursor, index.refAt(cursor.node, cursor.slot));
    return true;
  }

  scan(position: number, count: number, into: number[]): number {
    return this.#dict.scan(position, count, into);
  }

  read(cursor: ZSetCursor, ref: Ref): void {
    const dict = this.#dict;
    cursor.bytes = this.#arena.chunk(ref);
    cursor.start = dict.keyStart(ref);
    cursor.length = dict.keyLength(ref);
    cursor.score = dict.stamp(ref);
  }

  release(budget: number): boolean {
    return this.#index.release(budget) && this.#dict.release(budget);
  }
}
