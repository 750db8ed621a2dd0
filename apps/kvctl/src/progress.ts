/** Tells a person who waits how far something is, every second at most. */
import type { Clock } from '@holdfast/common';
import { progressIntervalMs } from './limits.js';
import type { Output } from './output.js';

export class Progress {
  readonly #output: Output;
  readonly #clock: Clock;
  #toldMs: number;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
    this.#toldMs = clock.monotonic();
  }

  /** `text` is asked for when it is time to tell. */
  tell(text: () => string): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#toldMs < progressIntervalMs) return;
    this.#toldMs = nowMs;
    this.#output.progress(text());
  }
}
