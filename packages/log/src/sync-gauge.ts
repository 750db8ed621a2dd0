/**
 * Decides whether a sync is done at once, blocking, or in the thread pool.
 *
 * On a fast disk a blocking sync (0.12 to 0.4 ms) costs less than the way to the thread pool and back, which makes it
 * 0.6 to 0.9 ms while two cores are busy. And 50 clients that wait for their replies make one group of 50 a sync, and
 * with the pool two groups of 25, since the next commands of the one come while the other is being synced. On a slow
 * disk it would hold up everybody. So syncs are done at once while they take less than `maxMs` on average, and in the
 * pool for a while as soon as they don't; then some are tried again. A disk that stalls for a moment, as when a large
 * file is written beside, is soon found fast again: the while is short at first, and twice as long each time that the
 * trial fails.
 */
import type { Clock } from '@holdfast/common';

/** How long syncs are done in the pool: at first, and at most; after syncs were fast for so long, the first again. */
const pauseMsMin = 50;
const pauseMsMax = 1000;
/** Weight of the last sync in the average. */
const weight = 0.1;
/** A sync counts as this many times the limit at most: a stall or two say little about the disk. */
const outlier = 2;

export class SyncGauge {
  readonly #clock: Clock;
  readonly #maxMs: number;
  #averageMs = 0;
  #inlineFromMs = Number.NEGATIVE_INFINITY;
  #pauseMs = pauseMsMin;

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
    if (this.#averageMs >= this.#maxMs) this.#pause(endMs);
  }

  #pause(nowMs: number): void {
    if (nowMs - this.#inlineFromMs > pauseMsMax) this.#pauseMs = pauseMsMin;
    this.#inlineFromMs = nowMs + this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMsMax);
    this.#averageMs = this.#maxMs / 2;
  }
}
