/** A process of its own in a simulated environment, which may stand still, die, and have another clock. */
import type { Clock, Env, Timer, Timers } from '@holdfast/common';
import type { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';

/** What reaches it while it stands still reaches it later. */
export class SimulatedProcess implements Env {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: SeededRandom;
  /** For how long it stood still, over all pauses that are over, in ms. */
  pausedMs = 0;
  #isDead = false;
  #waiting: (() => void)[] | null = null;
  #pausedAtMs = 0;
  #offsetMs = 0;

  constructor(env: SimulatedEnv) {
    this.random = env.random;
    this.clock = { now: () => env.clock.now() + this.#offsetMs, monotonic: () => env.clock.monotonic() };
    this.timers = {
      setTimeout: (callback, delayMs) => env.timers.setTimeout(() => this.run(callback), delayMs),
      clearTimeout: (timer: Timer) => env.timers.clearTimeout(timer),
      setImmediate: (callback) => env.timers.setImmediate(() => this.run(callback)),
    };
  }

  /** Lets something happen in the process: now, when it goes on, or never. */
  run(what: () => void): void {
    if (this.#isDead) return;
    if (this.#waiting === null) what();
    else this.#waiting.push(what);
  }

  pause(): void {
    if (this.#waiting !== null) return;
    this.#waiting = [];
    this.#pausedAtMs = this.clock.monotonic();
  }

  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.pausedMs += this.clock.monotonic() - this.#pausedAtMs;
    for (const what of waiting) this.run(what);
  }

  kill(): void {
    this.#isDead = true;
  }

  jumpClock(ms: number): void {
    this.#offsetMs += ms;
  }
}
