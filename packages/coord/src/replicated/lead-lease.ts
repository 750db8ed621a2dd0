/**
 * For how long a leader may answer without asking: others leave it alone for so long after each of its entries. It
 * counts from when the append of the entry began, which is never later than when they saw it.
 *
 *     append   |--- on its way ---| committed
 *     lease    |----------------- leaseMs ------------------|
 *     others             | --- leaseMs and a tenth, at least ------ | may campaign
 *
 * By the monotonic clock, and by the calendar as well: the former stands still while a machine sleeps, and others do not.
 * A calendar that is set forward ends a lease early, and the next entry begins another one.
 */
import type { Clock } from '@holdfast/common';

/** Of the lease, after which it is renewed when nothing else was appended. */
const renewalShare = 1 / 3;

/** A moment, by both clocks. */
export interface Moment {
  readonly monotonicMs: number;
  readonly calendarMs: number;
}

export function momentOf(clock: Clock): Moment {
  return { monotonicMs: clock.monotonic(), calendarMs: clock.now() };
}

export class LeadLease {
  readonly ms: number;
  readonly #clock: Clock;
  #began: Moment;
  #isGivenUp = false;
  /** When the log was last told who leads. */
  #recordedMs: number;

  /** `began`: when the append of the entry began that tells who leads. */
  constructor(clock: Clock, ms: number, began: Moment) {
    this.#clock = clock;
    this.ms = ms;
    this.#began = began;
    this.#recordedMs = began.monotonicMs;
  }

  get isHeld(): boolean {
    return this.leftMs > 0;
  }

  get leftMs(): number {
    if (this.#isGivenUp) return 0;
    const { calendarMs, monotonicMs } = this.#began;
    const elapsedMs = Math.max(this.#clock.monotonic() - monotonicMs, this.#clock.now() - calendarMs);
    return Math.max(0, this.ms - elapsedMs);
  }

  /** After so long without an append it is renewed. */
  get renewalMs(): number {
    return this.ms * renewalShare;
  }

  /** An entry was committed whose append began then. */
  extend(began: Moment): void {
    this.#began = began;
  }

  /** It is over, and not extended any more. */
  giveUp(): void {
    this.#isGivenUp = true;
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
