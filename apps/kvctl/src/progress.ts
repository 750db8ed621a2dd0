/** Tells a person who waits how far something is, every second at most, and ends it once there was a signal. */
import type { Clock } from '@holdfast/common';
import type { Interruption } from './interruption.js';
import { progressIntervalMs } from './limits.js';
import type { Output } from './output.js';

export class Progress {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #interruption: Interruption;
  #toldMs: number;

  constructor(output: Output, clock: Clock, interruption: Interruption) {
    this.#interruption = interruption;
    this.#output = output;
    this.#clock = clock;
    this.#toldMs = clock.monotonic();
  }

  /** At each step; `text` is asked for when it is time to tell. Throws Interrupted. */
  tell(text: () => string): void {
    this.#interruption.check();
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#toldMs < progressIntervalMs) return;
    this.#toldMs = nowMs;
    this.#output.progress(text());
  }
}
