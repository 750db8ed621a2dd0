/**
 * Tells of what fails and is tried again: a log that says the same twice a second hides all else.
 *
 *     failures   x x x x x x x x x x x x x x            x: the first, then after growing pauses, each with
 *     told       x  x    x         x         ... well      how many there were since; one of another code at once
 *
 * It is well again when nothing has failed for `quietMs`: what is tried again need not say that it went through.
 */
import type { Env, Timer } from './env.js';
import { KvError } from './errors.js';

/** Between two tellings of failures of one code: first, and at most, in ms. */
const pauseMs = { first: 1000, most: 60_000 } as const;

/** Longer than what is tried again takes until it fails again: 5 members of etcd that are asked twice take 20 s. */
const quietMs = 60_000;

export interface FailureReportOptions {
  readonly env: Env;
  /** `count` failures of its code since the last one that was told, with this one. */
  readonly onFailure: (error: unknown, count: number) => void;
  /** Nothing fails any more; `count` failures were there in all. */
  readonly onRecovery: (count: number) => void;
}

/** Failures of one code. */
interface Told {
  /** By the monotonic clock: when the next one is told. */
  nextAtMs: number;
  pauseMs: number;
  untold: number;
}

export class FailureReport {
  readonly #options: FailureReportOptions;
  readonly #told = new Map<string, Told>();
  #count = 0;
  #lastAtMs = 0;
  #quiet: Timer | null = null;

  constructor(options: FailureReportOptions) {
    this.#options = options;
  }

  failed(error: unknown): void {
    const { clock } = this.#options.env;
    this.#count++;
    this.#lastAtMs = clock.monotonic();
    this.#tell(error, this.#lastAtMs);
    if (this.#quiet === null) this.#lookAfter(quietMs);
  }

  #tell(error: unknown, nowMs: number): void {
    const code = error instanceof KvError ? error.code : '';
    const told = this.#told.get(code) ?? { nextAtMs: nowMs, pauseMs: pauseMs.first, untold: 0 };
    this.#told.set(code, told);
    told.untold++;
    if (nowMs < told.nextAtMs) return;
    this.#options.onFailure(error, told.untold);
    told.untold = 0;
    told.nextAtMs = nowMs + told.pauseMs;
    told.pauseMs = Math.min(told.pauseMs * 2, pauseMs.most);
  }

  #lookAfter(ms: number): void {
    this.#quiet = this.#options.env.timers.setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    const leftMs = this.#lastAtMs + quietMs - this.#options.env.clock.monotonic();
    if (leftMs > 0) return this.#lookAfter(leftMs);
    const count = this.#count;
    this.#quiet = null;
    this.#count = 0;
    this.#told.clear();
    this.#options.onRecovery(count);
  }
}
