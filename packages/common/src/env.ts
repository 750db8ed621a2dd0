/**
 * What a program takes from the machine besides disk and network: time and randomness. Passed in, so
 * that a whole server can run on virtual time from a seed.
 */
import { randomBytes } from 'node:crypto';

export interface Clock {
  /** Wall clock, in whole milliseconds since 1970. May jump either way. */
  now(): number;
  /** Milliseconds with fractions, from an arbitrary start; never goes back. */
  monotonic(): number;
}

/** A handle of `Timers.setTimeout`; opaque. */
export type Timer = object;

export interface Timers {
  /** Calls `callback` once, `delayMs` from now or later. Does not keep the process alive. */
  setTimeout(callback: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer): void;
  /** Calls `callback` after the input that is already waiting was handled. */
  setImmediate(callback: () => void): void;
}

/** Resolves in `ms`, or later. */
export function pause(timers: Timers, ms: number): Promise<void> {
  return new Promise((resolve) => void timers.setTimeout(resolve, ms));
}

export interface Random {
  /** Uniform in [0, 2^32). */
  uint32(): number;
  /** Fills `target` with random bytes and returns it. */
  fill<T extends Uint8Array>(target: T): T;
}

export interface Env {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

/**
 * A wall clock that is read once per turn of the event loop: reading the real one costs about 100 ns on a
 * virtual machine, a tenth of a command. `monotonic` is not held.
 */
export class TurnClock implements Clock {
  readonly #clock: Clock;
  #nowMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nowMs = clock.now();
  }

  /** A turn begins: reads the clock. */
  tick(): number {
    this.#nowMs = this.#clock.now();
    return this.#nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }
}

/** Uniform integer in [0, bound), for bound up to 2^32. */
export function randomBelow(random: Random, bound: number): number {
  return Math.floor((random.uint32() / 0x100000000) * bound);
}

class SystemRandom implements Random {
  readonly #pool = new Uint32Array(256);
  #next = 256;

  uint32(): number {
    if (this.#next === 256) {
      this.fill(new Uint8Array(this.#pool.buffer));
      this.#next = 0;
    }
    return this.#pool[this.#next++];
  }

  fill<T extends Uint8Array>(target: T): T {
    target.set(randomBytes(target.length));
    return target;
  }
}

/** The longest delay of the runtime's own timers: a longer one would fire at once. */
const delayMsMax = 0x7fffffff;

class SystemTimer {
  readonly #callback: () => void;
  readonly #dueMs: number;
  #timeout!: NodeJS.Timeout;

  constructor(callback: () => void, delayMs: number) {
    this.#callback = callback;
    this.#dueMs = performance.now() + delayMs;
    this.#arm(delayMs);
  }

  clear(): void {
    clearTimeout(this.#timeout);
  }

  #arm(delayMs: number): void {
    // Node 24 warns of a time that has passed.
    const armedMs = Math.min(Math.max(delayMs, 0), delayMsMax);
    this.#timeout = setTimeout(() => this.#ring(), armedMs).unref();
  }

  /** The runtime counts whole milliseconds, and may be a fraction of one early. */
  #ring(): void {
    const leftMs = this.#dueMs - performance.now();
    if (leftMs > 0) this.#arm(Math.ceil(leftMs));
    else this.#callback();
  }
}

/** The real machine. The only place besides tests that reads the process's clock. */
export function systemEnv(): Env {
  return {
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    timers: {
      setTimeout: (callback, delayMs) => new SystemTimer(callback, delayMs),
      clearTimeout: (timer) => (timer as SystemTimer).clear(),
      setImmediate: (callback) => {
        setImmediate(callback);
      },
    },
    random: new SystemRandom(),
  };
}
