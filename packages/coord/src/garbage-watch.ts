/**
 * Collects garbage in time while memory is short.
 *
 * Hashes, lists and their like have objects on the JavaScript heap; evicted ones are garbage of the old generation, which
 * V8 leaves until its heap has grown by some hundred megabytes. Under `maxmemory 200mb` and writes of all types the process
 * took 1.64 times the limit after a minute, and went on growing.
 */
import { collectGarbage, heapBytes } from './process-figures.js';

/** So much garbage is not worth the time that a collection takes; of a larger heap, so large a share. */
const toleratedBytes = 8 * 1024 * 1024;
const toleratedShare = 1 / 8;

export class GarbageWatch {
  readonly #measure: () => number;
  readonly #collect: () => void;
  /** The least that was in use: what lives, as far as is known. */
  #livingBytes = Number.POSITIVE_INFINITY;

  constructor(measure: () => number = heapBytes, collect: () => void = collectGarbage) {
    this.#measure = measure;
    this.#collect = collect;
  }

  /** To be called a few times a second while the heap is held against the limit of memory. */
  look(): void {
    const bytes = this.#measure();
    this.#livingBytes = Math.min(this.#livingBytes, bytes);
    if (bytes - this.#livingBytes < Math.max(toleratedBytes, this.#livingBytes * toleratedShare)) return;
    this.#collect();
    this.#livingBytes = this.#measure();
  }
}
