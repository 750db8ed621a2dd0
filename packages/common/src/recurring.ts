/**
 * Work that is done again and again: an interval after it ended last, and never twice at a time, until it is closed.
 *
 *     |-- interval --| work |-- interval --| work, takes its time |-- interval --| ...
 */
import type { Timer, Timers } from './env.js';

export interface RecurringOptions {
  readonly timers: Timers;
  readonly intervalMs: number;
  readonly work: () => Promise<void>;
  /** What it failed with; it is done again all the same. Not told of what `now` was asked for: that rejects. */
  readonly onError?: (error: unknown) => void;
}

export class Recurring {
  readonly #options: RecurringOptions;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #isClosed = false;

  /** The first time is an interval from now. */
  constructor(options: RecurringOptions) {
    this.#options = options;
    this.#later();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Does it now, besides the usual times; joins what is under way. Rejects as the work does. */
  now(): Promise<void> {
    return this.#once(this.#options.work);
  }

  /** Does something else in its place, once what is under way has ended; joins another that was faster. */
  async instead(work: () => Promise<void>): Promise<void> {
    await this.#running?.catch(() => {});
    await this.#once(work);
  }

  /** It does not begin any more. Resolves when what is under way has ended, however that is. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) this.#options.timers.clearTimeout(this.#timer);
    await this.#running?.catch(() => {});
  }

  #once(work: () => Promise<void>): Promise<void> {
    this.#running ??= work().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  #later(): void {
    const { intervalMs, onError = () => {}, timers } = this.#options;
    this.#timer = timers.setTimeout(() => {
      void this.now()
        .catch(onError)
        .finally(() => {
          if (!this.#isClosed) this.#later();
        });
    }, intervalMs);
  }
}
