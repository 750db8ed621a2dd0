/**
 * Decides whether a sync is done at once, blocking, or in the thread pool.
 *
 * On a fast disk a blocking sync (0.12 ms) costs less than the way to the thread pool and back with its
 * wake-ups (0.05 ms of the processor, while two cores are busy), and what arrives meanwhile makes the next
 * group larger. On a slow one it would hold up everybody. So syncs are done at once while they take less than
 * `maxMs` on average, and in the pool for a second as soon as they don't; then one is tried again.
 */
import type { Clock } from '@holdfast/common';

const poolMs = 1000;
/** Weight of the last sync in the average. */
const weight = 0.1;
/** A sync counts as this many times the limit at most: a single stall says little about the disk. */
const outlier = 5;

export class SyncGauge {
  readonly #clock: Clock;
  readonly #maxMs: number;
  #averageMs = 0;
  #inlineFromMs = Number.NEGATIVE_INFINITY;

  /** With `maxMs` 0 no sync is done at once. */
  constructor(clock: Clock, maxMs: number) {
    this.#clock = clock;
    this.#maxMs = maxMs;
  }

  /** Whether the next sync is to be done at once. */
  get isInline(): boolean {
    return this.#maxMs > 0 && this.#clock.monotonic() >= this.#inlineFromMs;
  }

  /** Runs a blocking sync and takes its time. */
  measure(sync: () => void): void {
    const startMs = this.#clock.monotonic();
    sync();
    const endMs = this.#clock.monotonic();
    const ms = Math.min(endMs - startMs, this.#maxMs * outlier);
    this.#averageMs += (ms - this.#averageMs) * weight;
    if (this.#averageMs < this.#maxMs) return;
    this.#averageMs = 0;
    this.#inlineFromMs = endMs + poolMs;
  }
}
