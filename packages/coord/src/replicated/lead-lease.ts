/**
 * For how long a leader may answer without asking: others leave it alone for so long after each of its entries. It
 * counts from when the append of the entry began, which is never later than when they saw it.
 *
 *     append   |--- on its way ---| committed
 *     lease    |----------------- leaseMs ------------------|
 *     others             | --- leaseMs and a tenth, at least ------ | may campaign
 */
import type { Clock } from '@holdfast/common';

/** Of the lease, after which it is renewed when nothing else was appended. */
const renewalShare = 1 / 3;

export class LeadLease {
  readonly ms: number;
  readonly #clock: Clock;
  #untilMs: number;
  #isGivenUp = false;
  /** When the log was last told who leads. */
  #recordedMs: number;

  /** `beganMs`: when the append of the entry began that tells who leads, by the monotonic clock. */
  constructor(clock: Clock, ms: number, beganMs: number) {
    this.#clock = clock;
    this.ms = ms;
    this.#untilMs = beganMs + ms;
    this.#recordedMs = beganMs;
  }

  get isHeld(): boolean {
    return this.#clock.monotonic() < this.#untilMs;
  }

  get leftMs(): number {
    return Math.max(0, this.#untilMs - this.#clock.monotonic());
  }

  /** After so long without an append it is renewed. */
  get renewalMs(): number {
    return this.ms * renewalShare;
  }

  /** An entry was committed whose append began then. */
  extend(beganMs: number): void {
    if (!this.#isGivenUp) this.#untilMs = beganMs + this.ms;
  }

  /** It is over, and not extended any more. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#untilMs = Number.NEGATIVE_INFINITY;
  }

  /** Those who begin to read the log now should find who leads: it was not said for a while. */
  get isRecordDue(): boolean {
    return this.#clock.monotonic() - this.#recordedMs >= this.renewalMs;
  }

  /** A batch says who leads. */
  recorded(): void {
    this.#recordedMs = this.#clock.monotonic();
  }
}
