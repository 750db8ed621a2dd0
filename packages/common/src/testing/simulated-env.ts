/**
 * Virtual time and seeded randomness: the Env of deterministic tests. Time stands still until
 * `advance` moves it, and timers fire in order of their due time, then of their creation.
 */
import { type Clock, type Env, pause, type Random, type Timer, type Timers } from '../env.js';

/** A small seeded generator (mulberry32): uniform enough for tests, the same on every machine. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  fill<T extends Uint8Array>(target: T): T {
    for (let i = 0; i < target.length; i++) target[i] = this.uint32() & 0xff;
    return target;
  }
}

interface PendingTimer {
  dueMs: number;
  order: number;
  callback: () => void;
}

export class SimulatedEnv implements Env {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: SeededRandom;
  #wallMs: number;
  #monotonicMs = 0;
  #order = 0;
  #pending: PendingTimer[] = [];

  constructor(seed = 1, startMs = 1_750_000_000_000) {
    this.#wallMs = startMs;
    this.random = new SeededRandom(seed);
    this.clock = { now: () => Math.floor(this.#wallMs), monotonic: () => this.#monotonicMs };
    this.timers = {
      setTimeout: (callback, delayMs) => {
        const timer: PendingTimer = {
          dueMs: this.#monotonicMs + Math.max(0, delayMs),
          order: this.#order++,
          callback,
        };
        this.#pending.push(timer);
        return timer;
      },
      clearTimeout: (timer: Timer) => {
        this.#pending = this.#pending.filter((pending) => pending !== timer);
      },
      setImmediate: (callback) => {
        this.#pending.push({ dueMs: this.#monotonicMs, order: this.#order++, callback });
      },
    };
  }

  /** Lets `ms` of virtual time pass and fires what becomes due on the way. */
  advance(ms: number): void {
    const untilMs = this.#monotonicMs + ms;
    for (;;) {
      let next: PendingTimer | undefined;
      for (const timer of this.#pending) {
        if (timer.dueMs > untilMs) continue;
        if (
          next === undefined ||
          timer.dueMs < next.dueMs ||
          (timer.dueMs === next.dueMs && timer.order < next.order)
        ) {
          next = timer;
        }
      }
      if (next === undefined) break;
      this.#pending = this.#pending.filter((timer) => timer !== next);
      this.#step(Math.max(0, next.dueMs - this.#monotonicMs));
      next.callback();
    }
    this.#step(untilMs - this.#monotonicMs);
  }

  /** Lets virtual time pass, `stepMs` at a time, until a promise is settled that waits for it. */
  async until<T>(promise: Promise<T>, stepMs = 1): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => {
      isSettled = true;
    });
    // Who awaits it hears of a failure; here it only ends the loop.
    settled.catch(() => {});
    while (!isSettled) {
      await new Promise(setImmediate);
      if (!isSettled) this.advance(stepMs);
    }
    return settled;
  }

  /** Resolves when `ms` of virtual time have passed. */
  sleep(ms: number): Promise<void> {
    return pause(this.timers, ms);
  }

  /** Moves the wall clock alone, as an operator or NTP would. */
  jumpClock(byMs: number): void {
    this.#wallMs += byMs;
  }

  #step(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }
}
