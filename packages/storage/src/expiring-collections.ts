/**
 * Which collections of a database have elements that expire, the one with the earliest first: a binary
 * heap of (time, collection).
 *
 *     place i: children 2i + 1 and 2i + 2, never earlier than i
 *
 * A collection knows its place in the heap, so there is one entry for each, and none is left behind when it
 * goes. The time of an entry is the earliest expiry among its elements, or earlier.
 */
// @hot-path
import type { Collection } from './collection.js';

/** A collection whose elements expire one by one. */
export interface ExpiringCollection extends Collection {
  /** Its place in the heap, -1 when it has none. Only the heap sets it. */
  expiryPlace: number;
  /** When the first of its elements expires, or earlier: ms since 1970, Infinity when none does. */
  readonly earliestExpiryMs: number;
  /** Whether all its elements are known to have expired. */
  hasExpired(nowMs: number): boolean;
  /** Removes at most `budget` elements that expired at `nowMs` or before; returns how many. */
  removeExpired(nowMs: number, budget: number): number;
}

export class ExpiringCollections {
  readonly #times: number[] = [];
  readonly #collections: ExpiringCollection[] = [];

  /** Number of collections. */
  get size(): number {
    return this.#times.length;
  }

  /** When the first element of any collection expires, or earlier: ms since 1970, Infinity when none does. */
  get earliestMs(): number {
    return this.#times.length === 0 ? Number.POSITIVE_INFINITY : this.#times[0];
  }

  /** The collection with the earliest time. There must be one. */
  get earliest(): ExpiringCollection {
    return this.#collections[0];
  }

  /** An element of a collection now expires at `timeMs`. */
  lower(collection: ExpiringCollection, timeMs: number): void {
    if (!this.#has(collection)) this.#rise(this.#times.length, timeMs, collection);
    else if (timeMs < this.#times[collection.expiryPlace]) {
      this.#rise(collection.expiryPlace, timeMs, collection);
    }
  }

  /** Elements were removed: the collection's time is its earliest expiry again, or it goes. */
  settle(collection: ExpiringCollection): void {
    if (!this.#has(collection)) return;
    const timeMs = collection.earliestExpiryMs;
    if (timeMs === Number.POSITIVE_INFINITY) {
      this.remove(collection);
      return;
    }
    const place = collection.expiryPlace;
    if (timeMs < this.#times[place]) this.#rise(place, timeMs, collection);
    else this.#sink(place, timeMs, collection);
  }

  /** The collection is gone, or has nothing that expires any more. */
  remove(collection: ExpiringCollection): void {
    if (!this.#has(collection)) return;
    const place = collection.expiryPlace;
    collection.expiryPlace = -1;
    const timeMs = this.#times.pop() as number;
    const last = this.#collections.pop() as ExpiringCollection;
    if (last === collection) return;
    if (timeMs < this.#times[place]) this.#rise(place, timeMs, last);
    else this.#sink(place, timeMs, last);
  }

  #has(collection: ExpiringCollection): boolean {
    return collection.expiryPlace >= 0 && this.#collections[collection.expiryPlace] === collection;
  }

  #rise(from: number, timeMs: number, collection: ExpiringCollection): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      if (this.#times[parent] <= timeMs) break;
      this.#put(place, this.#times[parent], this.#collections[parent]);
      place = parent;
    }
    this.#put(place, timeMs, collection);
  }

  #sink(from: number, timeMs: number, collection: ExpiringCollection): void {
    const times = this.#times;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= times.length) break;
      if (child + 1 < times.length && times[child + 1] < times[child]) child++;
      if (times[child] >= timeMs) break;
      this.#put(place, times[child], this.#collections[child]);
      place = child;
    }
    this.#put(place, timeMs, collection);
  }

  #put(place: number, timeMs: number, collection: ExpiringCollection): void {
    this.#times[place] = timeMs;
    this.#collections[place] = collection;
    collection.expiryPlace = place;
  }
}
