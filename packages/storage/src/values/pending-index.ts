/**
 * Pending entries in the order of their ids: refs of their blocks in leaves, found by binary search over the leaves
 * and in one of them. A group has an index of all its pending entries, and one for each of its consumers.
 *
 *     leaf   | count | capacity | ref | ref | ... free |
 *
 * A leaf grows up to 126 refs, then it is split: in the middle, but at its end when an entry comes last of all, as
 * almost all do. A leaf that has become small is joined with a neighbour.
 */
// @hot-path
import { type Arena, type Ref, sizeClassOf } from '../arena.js';
import { comparePending, readPendingId } from './pending-entry.js';
import { RefSequence } from './ref-sequence.js';
import { StreamId } from './stream-id.js';

const headWords = 2;
const capacityMin = 2;
/** A leaf then takes 512 bytes. */
const capacityMax = 126;
/** From here on down a leaf is joined with a neighbour, if both fit half a leaf. */
const sparse = capacityMax >> 2;

const wanted = new StreamId();

export class PendingIndex {
  size = 0;
  /** Where `seek` went: a leaf, and a slot in it. */
  #leaf = 0;
  #slot = 0;
  readonly #arena: Arena;
  readonly #leaves = new RefSequence();

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** The entry with this id, 0 when there is none. */
  find(id: StreamId): Ref {
    // What is delivered comes after all others, almost always.
    if (this.size === 0 || comparePending(this.#arena, this.last(), id) < 0) return 0;
    const ref = this.seek(id);
    return ref !== 0 && comparePending(this.#arena, ref, id) === 0 ? ref : 0;
  }

  /** The first entry from `id` on, 0 when there is none; `next` goes on from there, until something changes. */
  seek(id: StreamId): Ref {
    const leaves = this.#leaves;
    let low = 0;
    let high = leaves.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (comparePending(this.#arena, this.#refAt(leaves.at(middle), 0), id) <= 0) low = middle;
      else high = middle - 1;
    }
    this.#leaf = low;
    this.#slot = leaves.length === 0 ? 0 : this.#slotOf(leaves.at(low), id);
    return this.#here();
  }

  next(): Ref {
    this.#slot++;
    return this.#here();
  }

  first(): Ref {
    this.#leaf = 0;
    this.#slot = 0;
    return this.#here();
  }

  last(): Ref {
    if (this.size === 0) return 0;
    const leaf = this.#leaves.last;
    return this.#refAt(leaf, this.#count(leaf) - 1);
  }

  /** How many entries there are from `id` on. */
  countFrom(id: StreamId): number {
    const leaves = this.#leaves;
    this.seek(id);
    if (this.#leaf >= leaves.length) return 0;
    let count = this.#count(leaves.at(this.#leaf)) - this.#slot;
    for (let position = this.#leaf + 1; position < leaves.length; position++) {
      count += this.#count(leaves.at(position));
    }
    return count;
  }

  /** Makes `into` the id of an entry; returns it. */
  readId(ref: Ref, into: StreamId): StreamId {
    return readPendingId(this.#arena, ref, into);
  }

  /** Adds an entry; there is none with its id. */
  add(ref: Ref): void {
    const leaves = this.#leaves;
    readPendingId(this.#arena, ref, wanted);
    this.size++;
    if (leaves.length === 0) {
      leaves.insert(0, this.#create(capacityMin));
      this.#put(0, 0, ref);
      return;
    }
    if (comparePending(this.#arena, this.last(), wanted) < 0) {
      this.#put(leaves.length - 1, this.#count(leaves.last), ref);
      return;
    }
    this.seek(wanted);
    this.#put(this.#leaf, this.#slot, ref);
  }

  /** Takes an entry out that is there. */
  remove(ref: Ref): void {
    const leaves = this.#leaves;
    this.seek(readPendingId(this.#arena, ref, wanted));
    const position = this.#leaf;
    const leaf = leaves.at(position);
    const words = this.#arena.wordsOf(leaf);
    const at = (this.#arena.offset(leaf) >>> 2) + headWords;
    const count = --words[at - headWords];
    words.copyWithin(at + this.#slot, at + this.#slot + 1, at + count + 1);
    this.size--;
    if (count === 0) {
      this.#free(leaf);
      leaves.remove(position);
    } else if (count <= sparse && leaves.length > 1) {
      this.#join(position === 0 ? 0 : position - 1);
    }
  }

  /** Frees leaves with about `budget` refs, calling `visit` with each ref if given; true when none is left. */
  release(budget: number, visit: ((ref: Ref) => void) | null): boolean {
    const leaves = this.#leaves;
    for (let left = budget; left > 0 && leaves.length > 0; ) {
      const leaf = leaves.last;
      const count = this.#count(leaf);
      if (visit !== null) for (let i = 0; i < count; i++) visit(this.#refAt(leaf, i));
      this.#free(leaf);
      leaves.remove(leaves.length - 1);
      this.size -= count;
      left -= count;
    }
    return leaves.length === 0;
  }

  /** The entry where `seek` went; from the end of a leaf to the start of the next one. */
  #here(): Ref {
    const leaves = this.#leaves;
    if (this.#leaf >= leaves.length) return 0;
    if (this.#slot === this.#count(leaves.at(this.#leaf))) {
      this.#leaf++;
      this.#slot = 0;
      if (this.#leaf === leaves.length) return 0;
    }
    return this.#refAt(leaves.at(this.#leaf), this.#slot);
  }

  /** How many entries of a leaf have lesser ids. */
  #slotOf(leaf: Ref, id: StreamId): number {
    let low = 0;
    let high = this.#count(leaf);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePending(this.#arena, this.#refAt(leaf, middle), id) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Puts a ref into a leaf, where there may be no room. */
  #put(position: number, slot: number, ref: Ref): void {
    let leaf = this.#leaves.at(position);
    const count = this.#count(leaf);
    if (count === this.#capacity(leaf)) {
      if (count === capacityMax) {
        this.#split(position, slot, ref);
        return;
      }
      leaf = this.#grow(position);
    }
    const words = this.#arena.wordsOf(leaf);
    const at = (this.#arena.offset(leaf) >>> 2) + headWords;
    words.copyWithin(at + slot + 1, at + slot, at + count);
    words[at + slot] = ref;
    words[at - headWords] = count + 1;
  }

  #split(position: number, slot: number, ref: Ref): void {
    const leaves = this.#leaves;
    const isLast = slot === capacityMax && position === leaves.length - 1;
    const point = isLast ? capacityMax : capacityMax >> 1;
    const leaf = leaves.at(position);
    leaves.insert(position + 1, this.#create(capacityMax));
    this.#move(leaf, point, leaves.at(position + 1));
    if (slot <= point && !isLast) this.#put(position, slot, ref);
    else this.#put(position + 1, slot - point, ref);
  }

  /** Makes two neighbours one leaf, if they fit half of one. */
  #join(position: number): void {
    const leaves = this.#leaves;
    const right = leaves.at(position + 1);
    const total = this.#count(leaves.at(position)) + this.#count(right);
    if (total > capacityMax >> 1) return;
    while (this.#capacity(leaves.at(position)) < total) this.#grow(position);
    this.#move(right, 0, leaves.at(position));
    this.#free(right);
    leaves.remove(position + 1);
  }

  /** Moves the refs of a leaf from a slot on to the end of another one. */
  #move(source: Ref, from: number, target: Ref): void {
    const sourceWords = this.#arena.wordsOf(source);
    const targetWords = this.#arena.wordsOf(target);
    const sourceAt = this.#arena.offset(source) >>> 2;
    const targetAt = this.#arena.offset(target) >>> 2;
    const count = sourceWords[sourceAt] - from;
    const to = targetAt + headWords + targetWords[targetAt];
    for (let i = 0; i < count; i++) targetWords[to + i] = sourceWords[sourceAt + headWords + from + i];
    targetWords[targetAt] += count;
    sourceWords[sourceAt] = from;
  }

  /** A leaf gets a block of twice the size. */
  #grow(position: number): Ref {
    const leaf = this.#leaves.at(position);
    const grown = this.#create((this.#capacity(leaf) + headWords) * 2 - headWords);
    this.#move(leaf, 0, grown);
    this.#free(leaf);
    this.#leaves.replace(position, grown);
    return grown;
  }

  #create(capacity: number): Ref {
    const leaf = this.#arena.allocate(sizeClassOf((headWords + capacity) >>> 1));
    const words = this.#arena.wordsOf(leaf);
    const at = this.#arena.offset(leaf) >>> 2;
    words[at] = 0;
    words[at + 1] = capacity;
    return leaf;
  }

  #free(leaf: Ref): void {
    this.#arena.free(leaf, sizeClassOf((headWords + this.#capacity(leaf)) >>> 1));
  }

  #count(leaf: Ref): number {
    return this.#arena.wordsOf(leaf)[this.#arena.offset(leaf) >>> 2];
  }

  #capacity(leaf: Ref): number {
    return this.#arena.wordsOf(leaf)[(this.#arena.offset(leaf) >>> 2) + 1];
  }

  #refAt(leaf: Ref, slot: number): Ref {
    return this.#arena.wordsOf(leaf)[(this.#arena.offset(leaf) >>> 2) + headWords + slot];
  }
}
