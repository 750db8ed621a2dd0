/**
 * Which keys expire next: a binary heap of (time, record) in typed arrays.
 *
 *     entry i: children 2i + 1 and 2i + 2, never earlier than i
 *
 * It knows nothing of records, nor which entries are still valid: see `Expiries`.
 */
// @hot-path
import type { Ref } from './arena.js';

export class ExpiryQueue {
  #times = new Float64Array(16);
  #refs = new Int32Array(16);
  length = 0;

  /** Time of the earliest entry, in ms since 1970; Infinity when empty. */
  get earliestMs(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.#times[0];
  }

  /** Memory taken. */
  get bytes(): number {
    return this.#times.length * 12;
  }

  /** Time of entry `i`, any below `length`. */
  timeMs(i: number): number {
    return this.#times[i];
  }

  /** Record of entry `i`; the earliest is 0. */
  ref(i: number): Ref {
    return this.#refs[i];
  }

  push(timeMs: number, ref: Ref): void {
    if (this.length === this.#times.length) this.#resize(this.length * 2);
    this.#rise(this.length++, timeMs, ref);
  }

  /** Drops the earliest entry. */
  pop(): void {
    this.remove(0);
  }

  /** Drops entry `i`; the last one takes its place, and may have risen or sunk from there. */
  remove(i: number): void {
    const last = --this.length;
    if (i !== last) {
      const timeMs = this.#times[last];
      if (timeMs < this.#times[i]) this.#rise(i, timeMs, this.#refs[last]);
      else this.#sink(i, timeMs, this.#refs[last]);
    }
    if (this.length > 64 && this.length < this.#times.length >> 2) this.#resize(this.#times.length >> 1);
  }

  #rise(from: number, timeMs: number, ref: Ref): void {
    const times = this.#times;
    const refs = this.#refs;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (times[parent] <= timeMs) break;
      times[at] = times[parent];
      refs[at] = refs[parent];
      at = parent;
    }
    times[at] = timeMs;
    refs[at] = ref;
  }

  #sink(from: number, timeMs: number, ref: Ref): void {
    const times = this.#times;
    const refs = this.#refs;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.length) break;
      if (child + 1 < this.length && times[child + 1] < times[child]) child++;
      if (times[child] >= timeMs) break;
      times[at] = times[child];
      refs[at] = refs[child];
      at = child;
    }
    times[at] = timeMs;
    refs[at] = ref;
  }

  #resize(capacity: number): void {
    const times = new Float64Array(capacity);
    const refs = new Int32Array(capacity);
    times.set(this.#times.subarray(0, this.length));
    refs.set(this.#refs.subarray(0, this.length));
    this.#times = times;
    this.#refs = refs;
  }
}
