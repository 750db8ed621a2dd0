/**
 * Blocks of the arena in an order: their refs side by side, with room at both ends, so that blocks come and
 * go at either end without others being moved. One block alone takes no array.
 */
// @hot-path
import type { Ref } from '../arena.js';

const capacityMin = 8;
const noRefs = new Int32Array(0);

export class RefSequence {
  length = 0;
  #only: Ref = 0;
  #refs = noRefs;
  #first = 0;

  at(position: number): Ref {
    return this.#refs === noRefs ? this.#only : this.#refs[this.#first + position];
  }

  /** The last one; there must be one. */
  get last(): Ref {
    return this.at(this.length - 1);
  }

  replace(position: number, ref: Ref): void {
    if (this.#refs === noRefs) this.#only = ref;
    else this.#refs[this.#first + position] = ref;
  }

  /** Makes `ref` the one at `position`; those from there on move up by one. */
  insert(position: number, ref: Ref): void {
    if (this.length === 0) {
      this.#only = ref;
      this.length = 1;
      return;
    }
    if (this.#refs === noRefs) this.#spread();
    const toLeft = position * 2 < this.length;
    if (toLeft ? this.#first === 0 : this.#first + this.length === this.#refs.length) this.#makeRoom();
    const first = this.#first;
    if (toLeft) {
      this.#refs.copyWithin(first - 1, first, first + position);
      this.#first--;
    } else {
      this.#refs.copyWithin(first + position + 1, first + position, first + this.length);
    }
    this.#refs[this.#first + position] = ref;
    this.length++;
  }

  /** Takes `count` of them out, from `position` on. */
  remove(position: number, count = 1): void {
    const first = this.#first;
    const end = first + this.length;
    if (this.#refs !== noRefs) {
      if (position * 2 < this.length - count) {
        this.#refs.copyWithin(first + count, first, first + position);
        this.#first += count;
      } else {
        this.#refs.copyWithin(first + position, first + position + count, end);
      }
    }
    this.length -= count;
    if (this.length <= 1) this.#gather();
    else if (this.length * 8 < this.#refs.length && this.#refs.length > capacityMin) {
      this.#resize(this.#refs.length >>> 1);
    }
  }

  /** From the one block alone to an array. */
  #spread(): void {
    this.#refs = new Int32Array(capacityMin);
    this.#first = capacityMin >>> 1;
    this.#refs[this.#first] = this.#only;
  }

  /** At most one is left: back to no array. */
  #gather(): void {
    this.#only = this.length === 0 ? 0 : this.at(0);
    this.#refs = noRefs;
    this.#first = 0;
  }

  /** Centers them, in an array twice as large unless half of the room is free. */
  #makeRoom(): void {
    this.#resize(this.length * 2 > this.#refs.length ? this.#refs.length * 2 : this.#refs.length);
  }

  #resize(capacity: number): void {
    const refs = new Int32Array(capacity);
    const first = (capacity - this.length) >>> 1;
    refs.set(this.#refs.subarray(this.#first, this.#first + this.length), first);
    this.#refs = refs;
    this.#first = first;
  }
}
