/**
 * Which keys expire next: a binary heap of (time, record) in typed arrays. Setting an expiry pushes an
 * entry; one that changed its expiry, or is gone, leaves its old entry behind, which is recognized when
 * it comes up. When more than half of a large heap is stale, it is built anew.
 *
 *     entry i: children 2i + 1 and 2i + 2, never earlier than i
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

  /** Record of the earliest entry. */
  get earliest(): Ref {
    return this.#refs[0];
  }

  push(timeMs: number, ref: Ref): void {
    if (this.length === this.#times.length) this.#resize(this.length * 2);
    const times = this.#times;
    const refs = this.#refs;
    let at = this.length++;
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

  /** Drops the earliest entry. */
  pop(): void {
    this.length--;
    this.#sink(0, this.#times[this.length], this.#refs[this.length]);
    if (this.length > 64 && this.length < this.#times.length >> 2) this.#resize(this.#times.length >> 1);
  }

  /** Drops the entries for which `isLive` says no, and all but one of those for the same record. */
  rebuild(isLive: (timeMs: number, ref: Ref) => boolean): void {
    let kept = 0;
    const seen = new Set<Ref>();
    for (let i = 0; i < this.length; i++) {
      if (seen.has(this.#refs[i]) || !isLive(this.#times[i], this.#refs[i])) continue;
      seen.add(this.#refs[i]);
      this.#times[kept] = this.#times[i];
      this.#refs[kept] = this.#refs[i];
      kept++;
    }
    this.length = kept;
    for (let i = (kept >>> 1) - 1; i >= 0; i--) this.#sink(i, this.#times[i], this.#refs[i]);
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
