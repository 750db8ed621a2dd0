/**
 * Copies that nobody asks for: one is taken when there were so many writes, and so much time went by, since the last.
 * As in Redis one that failed is not tried again at once.
 */
import { type Env, Recurring } from '@holdfast/common';

const checkIntervalMs = 1000;
const retryDelayMs = 5000;

/** At least so many writes, at least so many seconds after the last copy. */
export interface SavePoint {
  readonly seconds: number;
  readonly writes: number;
}

export interface SavePointsOptions {
  readonly env: Env;
  readonly points: () => readonly SavePoint[];
  /** When the last copy was finished, in ms since 1970, and how many writes there were since it began. */
  readonly lastCopy: () => { readonly finishedMs: number; readonly writesSince: number };
  /** A copy may be taken, and none is being taken. */
  readonly isFree: () => boolean;
  readonly save: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export class SavePoints {
  readonly #options: SavePointsOptions;
  readonly #startedMs: number;
  readonly #checking: Recurring;
  #retryAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SavePointsOptions) {
    const { env, onError } = options;
    this.#options = options;
    this.#startedMs = env.clock.now();
    const work = () => this.#check();
    this.#checking = new Recurring({ timers: env.timers, intervalMs: checkIntervalMs, work, onError });
  }

  /** Resolves when what it began has ended. */
  close(): Promise<void> {
    return this.#checking.close();
  }

  async #check(): Promise<void> {
    const { env, isFree, save } = this.#options;
    if (env.clock.monotonic() < this.#retryAtMs || !isFree() || !this.#isReached()) return;
    try {
      await save();
    } catch (error) {
      this.#retryAtMs = env.clock.monotonic() + retryDelayMs;
      throw error;
    }
  }

  #isReached(): boolean {
    const { env, lastCopy, points } = this.#options;
    const { finishedMs, writesSince } = lastCopy();
    const seconds = (env.clock.now() - Math.max(finishedMs, this.#startedMs)) / 1000;
    return points().some((point) => seconds >= point.seconds && writesSince >= point.writes);
  }
}
