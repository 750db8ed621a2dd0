/**
 * Which reads of the disk are made on the spot, by the thread that serves everybody, and which are left to other threads.
 *
 * What the system has cached takes 6 us to read at once. Handing it to another thread and back takes 11 of processor time for
 * the read and as many for who waits for it. But what has to come from the device holds everybody for as long as that takes:
 * after such a read all others go to the threads, for so many times as long that the device never has more than a small share
 * of the time. And of each turn reads have a few milliseconds only, so that others get theirs.
 */
// @hot-path
import type { Env } from '@holdfast/common';

/** A read of this many ms did not come from the system's cache, if the system says that anything did not. */
const slowMs = 0.1;
/** Reads go to the threads for so many times as long as a slow one took: they hold the loop for a fiftieth of the time at most. */
const restFactor = 50;
/** So many ms of reads in a turn, and no more. */
const turnMs = 4;

export class PromptReads {
  readonly #env: Pick<Env, 'clock' | 'timers'>;
  readonly #deviceReads: () => number;
  /** As of the last slow read. */
  #deviceReadsSeen: number;
  #restsUntilMs = 0;
  #beganMs = 0;
  #spentMs = 0;
  #isTurnBegun = false;
  readonly #turnEnded = (): void => {
    this.#isTurnBegun = false;
    this.#spentMs = 0;
  };

  /**
   * `deviceReads` grows whenever a read had to wait for the device. It can be slow without that, when the processor is busy
   * with others.
   */
  constructor(env: Pick<Env, 'clock' | 'timers'>, deviceReads: () => number) {
    this.#env = env;
    this.#deviceReads = deviceReads;
    this.#deviceReadsSeen = deviceReads();
  }

  /** Whether a read may be made now; who makes it says so with `ended`. */
  begin(): boolean {
    if (this.#spentMs >= turnMs) return false;
    this.#beganMs = this.#env.clock.monotonic();
    return this.#beganMs >= this.#restsUntilMs;
  }

  ended(): void {
    if (!this.#isTurnBegun) {
      this.#isTurnBegun = true;
      this.#env.timers.setImmediate(this.#turnEnded);
    }
    const nowMs = this.#env.clock.monotonic();
    const tookMs = nowMs - this.#beganMs;
    this.#spentMs += tookMs;
    if (tookMs < slowMs) return;
    const deviceReads = this.#deviceReads();
    if (deviceReads !== this.#deviceReadsSeen) this.#restsUntilMs = nowMs + tookMs * restFactor;
    this.#deviceReadsSeen = deviceReads;
  }
}
