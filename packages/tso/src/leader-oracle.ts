/**
 * The oracle of one instance of the timestamp service: it waits until it may take the mark, leads while it has
 * it, and waits again. What it hands out is above everything that was handed out before, by anybody:
 *
 * - it starts above the mark that it took, and what others handed out was not above it: nothing repeats;
 * - it takes the mark only when the hold of the last owner is over, and hands out only while its own is valid:
 *   nothing comes late. A pause in between does no harm: what was assigned before it belongs to a call that began
 *   before it.
 */
import { type Env, KvError, type Timer } from '@holdfast/common';
import { Hold } from './hold.js';
import {
  holdMsDefault,
  renewalsPerHold,
  retryDelayMs,
  serviceAheadMsDefault,
  silenceShare,
  takeoverShare,
} from './limits.js';
import { LocalOracle } from './local-oracle.js';
import type { MarkState, MarkStore } from './mark-store.js';

export interface LeaderOracleOptions {
  readonly env: Env;
  readonly store: MarkStore;
  /** Where clients find this instance: `host:port`. */
  readonly address: string;
  /** How long this instance may lead after a renewal, in ms: at most so long does a failover take, and a quarter. */
  readonly holdMs?: number;
  /** How far ahead of use the mark is taken, in ms of timestamps. */
  readonly aheadMs?: number;
  /** It leads from now on, or no longer; for health and messages. */
  readonly onChange?: (isLeading: boolean) => void;
  readonly onError?: (error: unknown) => void;
}

export class LeaderOracle {
  readonly #options: LeaderOracleOptions;
  readonly #holdMs: number;
  readonly #watch: { close(): void };
  readonly #running: Promise<void>;
  #hold: Hold | null = null;
  #oracle: LocalOracle | null = null;
  /** The last write of another owner that was seen, and when, by the monotonic clock. */
  #seen: MarkState = { revision: -1, record: null };
  #seenAtMs = 0;
  #isClosing = false;
  #timer: Timer | null = null;
  #wake: (() => void) | null = null;

  constructor(options: LeaderOracleOptions) {
    this.#options = options;
    this.#holdMs = options.holdMs ?? holdMsDefault;
    this.#watch = options.store.watch(() => {
      // The leader's own writes are no news to it.
      if (this.#oracle === null) this.#wake?.();
    });
    this.#running = this.#run();
  }

  get isLeading(): boolean {
    return this.#oracle !== null && this.#hold!.isValid;
  }

  /** It has the mark, and can't be sure of it any more: it hands out nothing until it has renewed its hold. */
  get isInDoubt(): boolean {
    return this.#oracle !== null && !this.#hold!.isValid;
  }

  /** Where the instance that leads is found, as far as is known; empty when nobody is known to, or was heard of lately. */
  get leader(): string {
    if (this.#oracle !== null) return this.#options.address;
    const { record } = this.#seen;
    if (record === null || record.isReleased) return '';
    const silentMs = this.#options.env.clock.monotonic() - this.#seenAtMs;
    return silentMs > record.holdMs * silenceShare ? '' : record.address;
  }

  /** The last timestamp handed out; 0 while this instance does not lead. */
  get last(): number {
    return this.#oracle?.last ?? 0;
  }

  /** Without waiting; null when that can't be done: use `fetch`, which says why. */
  next(count: number): number | null {
    const oracle = this.#oracle;
    return oracle?.hasRoom(count) && this.#hold!.isValid ? oracle.next(count) : null;
  }

  /** As `Oracle.fetch`; KvError REFUSED when another instance leads, or nobody. */
  async fetch(count: number): Promise<number> {
    const [oracle, hold] = [this.#oracle, this.#hold];
    if (oracle === null || hold === null) throw notLeading();
    if (!hold.isValid) await hold.renew();
    if (hold.isOver) throw notLeading();
    const first = await oracle.fetch(count);
    // Whoever took the mark meanwhile waited until this hold was over.
    if (!hold.isValid) throw new KvError('UNAVAILABLE', 'the hold on the mark ended meanwhile');
    return first;
  }

  /** Hands over: another instance may lead at once. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#watch.close();
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isClosing) {
      try {
        const hold = await this.#campaign();
        if (hold !== null) await this.#lead(hold);
      } catch (error) {
        this.#options.onError?.(error);
        await this.#sleep(retryDelayMs);
      }
    }
  }

  /** Takes the mark when that is allowed, or waits a while. */
  async #campaign(): Promise<Hold | null> {
    const state = await this.#options.store.read();
    const nowMs = this.#options.env.clock.monotonic();
    if (state.revision !== this.#seen.revision) {
      this.#seen = state;
      this.#seenAtMs = nowMs;
    }
    const { record } = state;
    const waitMs = record === null || record.isReleased ? 0 : record.holdMs * takeoverShare;
    const leftMs = this.#seenAtMs + waitMs - nowMs;
    if (leftMs > 0) {
      await this.#sleep(leftMs);
      return null;
    }
    return Hold.take({ ...this.#options, holdMs: this.#holdMs }, state);
  }

  async #lead(hold: Hold): Promise<void> {
    const { env, aheadMs = serviceAheadMsDefault, onChange, onError } = this.#options;
    try {
      const oracle = await LocalOracle.open({ env, mark: hold, aheadMs });
      this.#hold = hold;
      this.#oracle = oracle;
      onChange?.(true);
      while (!this.#isClosing && !hold.isOver) {
        await this.#sleep(this.#holdMs / renewalsPerHold);
        await hold.renew().catch((error: unknown) => onError?.(error));
      }
    } finally {
      const hasLed = this.#oracle !== null;
      this.#oracle = null;
      this.#hold = null;
      if (hasLed) onChange?.(false);
      if (this.#isClosing && !hold.isOver) await hold.release().catch((error: unknown) => onError?.(error));
    }
  }

  /** Until the time is over, the mark has changed, or the oracle is closed. */
  async #sleep(ms: number): Promise<void> {
    if (this.#isClosing) return;
    const { timers } = this.#options.env;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#timer = timers.setTimeout(resolve, ms);
    });
    this.#wake = null;
    timers.clearTimeout(this.#timer!);
  }
}

function notLeading(): KvError {
  return new KvError('REFUSED', 'this instance does not lead');
}
