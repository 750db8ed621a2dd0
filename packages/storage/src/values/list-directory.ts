/**
 * The nodes of a list that has more than one: their refs and numbers of elements side by side in two
 * arrays with room at both ends, so that finding an element by index adds up small integers instead of
 * following links through the arena.
 *
 *     refs     | ...free... | a | b | c | d | ...free... |
 *     counts   | ...free... | ? | 3 | 9 | ? | ...free... |
 *                           ^ first
 *
 *     sums     | of 64 counts each, where they lie in the array: whole groups are passed over
 *
 * The counts of the two outer nodes, which change with every push and pop, are not kept here: the list
 * reads them from the nodes, and writes one down when its node is not an outer one any more.
 */
// @hot-path
import type { Ref } from '../arena.js';

const capacityMin = 8;
const groupBits = 6;
const groupSize = 1 << groupBits;
const groupMask = groupSize - 1;

export class ListDirectory {
  /** Number of nodes. */
  length = 0;
  /** How many elements of the node that `locate` returned come before the one it looked for. */
  within = 0;
  #refs = new Int32Array(capacityMin);
  #counts = new Int32Array(capacityMin);
  #sums = new Int32Array(1);
  #first = capacityMin / 2;

  ref(position: number): Ref {
    return this.#refs[this.#first + position];
  }

  setRef(position: number, ref: Ref): void {
    this.#refs[this.#first + position] = ref;
  }

  setCount(position: number, count: number): void {
    const at = this.#first + position;
    this.#sums[at >>> groupBits] += count - this.#counts[at];
    this.#counts[at] = count;
  }

  /** Makes `ref` the node at `position`; those from there on move up by one. */
  insert(position: number, ref: Ref, count: number): void {
    const toLeft = position * 2 < this.length;
    if (toLeft ? this.#first === 0 : this.#first + this.length === this.#refs.length) this.#makeRoom();
    const from = this.#first;
    if (toLeft) {
      this.#first--;
      this.#move(from, from - 1, position);
    } else {
      this.#move(from + position, from + position + 1, this.length - position);
    }
    this.length++;
    const at = this.#first + position;
    this.#refs[at] = ref;
    this.#counts[at] = count;
    if (toLeft) this.#sum(from - 1, at);
    else this.#sum(at, this.#first + this.length - 1);
  }

  /** Takes the node at `position` out. */
  remove(position: number): void {
    const from = this.#first;
    if (position * 2 < this.length) {
      this.#move(from, from + 1, position);
      this.#first++;
      this.length--;
      this.#sum(from, from + position);
    } else {
      this.#move(from + position + 1, from + position, this.length - position - 1);
      this.length--;
      this.#sum(from + position, from + this.length);
    }
  }

  /**
   * The position of the node that holds element `index` of the inner nodes, which have `size` elements
   * together: walks from the nearer end. See `within`.
   */
  locate(index: number, size: number): number {
    const counts = this.#counts;
    const sums = this.#sums;
    // The sum of an outer node's group may be off by that node, but never too small to hold what is sought.
    if (index * 2 < size) {
      let at = this.#first + 1;
      for (let left = index; ; at++) {
        if ((at & groupMask) === 0) {
          for (; left >= sums[at >>> groupBits]; at += groupSize) left -= sums[at >>> groupBits];
        }
        if (left < counts[at]) {
          this.within = left;
          return at - this.#first;
        }
        left -= counts[at];
      }
    }
    let at = this.#first + this.length - 2;
    for (let left = size - index; ; at--) {
      if ((at & groupMask) === groupMask) {
        for (; left > sums[at >>> groupBits]; at -= groupSize) left -= sums[at >>> groupBits];
      }
      if (left <= counts[at]) {
        this.within = counts[at] - left;
        return at - this.#first;
      }
      left -= counts[at];
    }
  }

  #move(from: number, to: number, count: number): void {
    if (count === 0) return;
    this.#refs.copyWithin(to, from, from + count);
    this.#counts.copyWithin(to, from, from + count);
  }

  /** Adds up the groups that hold the slots from `first` to `last`. */
  #sum(first: number, last: number): void {
    const counts = this.#counts;
    const end = this.#first + this.length;
    for (let group = first >>> groupBits; group <= last >>> groupBits; group++) {
      const until = Math.min((group + 1) << groupBits, end);
      let sum = 0;
      for (let at = Math.max(group << groupBits, this.#first); at < until; at++) sum += counts[at];
      this.#sums[group] = sum;
    }
  }

  /** Centers the nodes, in arrays twice as large unless half of the room is free. */
  #makeRoom(): void {
    const { length } = this;
    const capacity = length * 2 > this.#refs.length ? this.#refs.length * 2 : this.#refs.length;
    const first = (capacity - length) >>> 1;
    const refs = new Int32Array(capacity);
    const counts = new Int32Array(capacity);
    refs.set(this.#refs.subarray(this.#first, this.#first + length), first);
    counts.set(this.#counts.subarray(this.#first, this.#first + length), first);
    this.#refs = refs;
    this.#counts = counts;
    this.#first = first;
    this.#sums = new Int32Array((capacity + groupMask) >>> groupBits);
    this.#sum(0, capacity - 1);
  }
}
