/**
 * Slows writers down to what the disk takes in the long run, rather than stopping them until it has caught up.
 *
 *     waiting, of its bound     0 ...... 1/2 .................... 1
 *     writers get               all      3/4 of the disk's rate   nothing, falling with the square of what is above 1/2
 *
 * LevelDB takes nothing for seconds when it has much to merge. The upper half is what lasts meanwhile: at 20 MB/s and with
 * 128 MB, writers have a third of their pace or more for 4 s.
 */
import type { Env } from '@holdfast/common';

/** What the disk is expected to take at first, in bytes for each ms: as if a set of a second had been written. */
const expectedRate = 10_000;
const expectedMs = 1000;
/** How much the sets before count when another one is written. */
const memory = 0.85;
/** Of the disk's rate, for writers, where the upper half begins. */
const share = 0.75;
/** Writers that come too fast wait this long, and ask again. */
const pauseMs = 5;
/** When nobody asked for longer, writers get no more than what this time brings. */
const arrearsMsMax = 50;

export class WritePace {
  readonly #env: Pick<Env, 'clock' | 'timers'>;
  /** What was written lately, in bytes, and how long that took. */
  #bytes = expectedRate * expectedMs;
  #elapsedMs = expectedMs;
  #writingSinceMs = 0;
  /** So much may wait by now, of which the last was given at a time. */
  #ceiling = 0;
  #givenMs = 0;
  #pause: Promise<void> | null = null;

  constructor(env: Pick<Env, 'clock' | 'timers'>) {
    this.#env = env;
  }

  /** A set is being written. */
  begin(): void {
    this.#writingSinceMs = this.#env.clock.monotonic();
  }

  /** It is on the disk. One below `bytesMin` says more about a sync than about the rate. */
  written(bytes: number, bytesMin: number): void {
    this.#ceiling -= bytes;
    if (bytes < bytesMin) return;
    this.#bytes = this.#bytes * memory + bytes;
    this.#elapsedMs = this.#elapsedMs * memory + this.#env.clock.monotonic() - this.#writingSinceMs;
  }

  /** Null when more may come, with `bytes` waiting of at most `bytesMax`. Otherwise resolves when it is time to ask again. */
  admit(bytes: number, bytesMax: number): Promise<void> | null {
    const half = bytesMax / 2;
    if (bytes <= half) return null;
    const nowMs = this.#env.clock.monotonic();
    const ms = Math.min(arrearsMsMax, nowMs - this.#givenMs);
    const above = (bytes - half) / half;
    const rate = (this.#bytes / this.#elapsedMs) * share * Math.max(0, 1 - above * above);
    this.#givenMs = nowMs;
    this.#ceiling = Math.min(bytesMax, Math.max(half, this.#ceiling) + rate * ms);
    if (bytes <= this.#ceiling) return null;
    this.#pause ??= new Promise((resolve) => {
      this.#env.timers.setTimeout(() => {
        this.#pause = null;
        resolve();
      }, pauseMs);
    });
    return this.#pause;
  }
}
