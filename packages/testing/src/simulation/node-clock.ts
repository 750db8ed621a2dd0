/**
 * The clock of one simulated node: it began with a wrong time, runs at a rate of its own, and its wall clock can
 * be set. `monotonic` keeps the rate, but never goes back.
 */
import type { Clock } from '@holdfast/common';

/** 2025-06-15: where virtual time begins. */
export const startWallMs = 1_750_000_000_000;

export class NodeClock implements Clock {
  readonly #virtualMs: () => number;
  #rate = 1;
  #skewMs = 0;

  constructor(virtualMs: () => number) {
    this.#virtualMs = virtualMs;
  }

  now(): number {
    return Math.floor(startWallMs + this.#virtualMs() * this.#rate + this.#skewMs);
  }

  monotonic(): number {
    return this.#virtualMs() * this.#rate;
  }

  /** Virtual time at which the monotonic clock will have advanced by `ms`: never a rounding error before. */
  virtualAfter(ms: number): number {
    const dueMs = this.monotonic() + ms;
    let atMs = dueMs / this.#rate;
    while (atMs * this.#rate < dueMs) atMs += atMs * Number.EPSILON;
    return atMs;
  }

  /** Sets, before it is read, by how many parts per million it is fast. */
  setDrift(ppm: number): void {
    this.#rate = 1 + ppm / 1_000_000;
  }

  /** Moves the wall clock alone, as an operator or NTP would. */
  jump(byMs: number): void {
    this.#skewMs += byMs;
  }
}
