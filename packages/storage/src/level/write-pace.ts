/**
 * Slows writers down to what the disk takes, rather than stopping them until it has caught up.
 *
 * While one set is written the next one may grow, so that it reaches its bound when the first is expected to be on the
 * disk, by what the disk took lately.
 */
import type { Env } from '@holdfast/common';

/** What the disk is expected to take at first, in bytes for each ms. */
const expectedRate = 10_000;
/** Writers that come too fast wait this long, and ask again. */
const pauseMs = 5;

export class WritePace {
  readonly #env: Pick<Env, 'clock' | 'timers'>;
  /** In bytes for each ms. */
  #rate = expectedRate;
  /** Of the set that is being written; 0 while none is. */
  #writingBytes = 0;
  #writingSinceMs = 0;
  #pause: Promise<void> | null = null;

  constructor(env: Pick<Env, 'clock' | 'timers'>) {
    this.#env = env;
  }

  /** A set of so many bytes is being written. */
  begin(bytes: number): void {
    this.#writingBytes = bytes;
    this.#writingSinceMs = this.#env.clock.monotonic();
  }

  /** It is on the disk. One below `bytesMin` says more about a sync than about the rate. */
  written(bytes: number, bytesMin: number): void {
    this.#writingBytes = 0;
    if (bytes < bytesMin) return;
    this.#rate = (this.#rate + bytes / Math.max(1, this.#elapsedMs)) / 2;
  }

  /** Null when the next set may grow beyond `bytes`, where it has `room` for so many. Otherwise resolves when it is time to ask again. */
  admit(bytes: number, room: number): Promise<void> | null {
    if (bytes <= room * this.#share) return null;
    this.#pause ??= new Promise((resolve) => {
      this.#env.timers.setTimeout(() => {
        this.#pause = null;
        resolve();
      }, pauseMs);
    });
    return this.#pause;
  }

  get #elapsedMs(): number {
    return this.#env.clock.monotonic() - this.#writingSinceMs;
  }

  /** How much of its room the next set may take by now. */
  get #share(): number {
    if (this.#writingBytes === 0) return 1;
    return Math.min(1, (this.#elapsedMs * this.#rate) / this.#writingBytes);
  }
}
