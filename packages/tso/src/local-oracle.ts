/**
 * Timestamps from this process's clock, or from one that is read once per turn (`TurnClock`).
 *
 *     last          next one           limit
 *      |---------------|-- at hand -----|         every timestamp handed out <= limit <= persisted mark
 *                            ^ renewed in the background from here on
 *
 * A timestamp is the clock's, or one more than the last when the clock stands still or went back. None is
 * handed out above `limit`, the mark that is known to be persisted; a restart begins above the mark. When the
 * clock has run past the limit (the server was idle, or the clock jumped), the rest of the range is used
 * while the next one is being persisted: timestamps then lag behind the clock for some milliseconds, but
 * nobody waits. Nothing is written while nothing is asked for.
 */
// @hot-path
import { type Clock, type Env, KvError } from '@holdfast/common';
import type { HighWaterMark } from './high-water-mark.js';
import { aheadMsDefault, retryDelayMs } from './limits.js';
import { type Oracle, oracleEpochMs, timestampsPerMs } from './oracle.js';

export interface LocalOracleOptions {
  readonly env: Env;
  readonly mark: HighWaterMark;
  /** How far ahead the mark is taken, in ms of timestamps. */
  readonly aheadMs?: number;
}

export class LocalOracle implements Oracle {
  readonly #clock: Clock;
  readonly #mark: HighWaterMark;
  readonly #ahead: number;
  /** The last timestamp handed out, or the floor below which none may be. */
  #last: number;
  #limit: number;
  #renewFrom: number;
  #renewing: Promise<void> | null;
  #failure: unknown;
  /** No store is tried before this monotonic moment. */
  #retryAtMs: number;
  #isClosed: boolean;

  /** Loads the mark and takes the first range. Throws what `load` and `store` throw. */
  static async open(options: LocalOracleOptions): Promise<LocalOracle> {
    const oracle = new LocalOracle(options, await options.mark.load());
    await oracle.ready();
    return oracle;
  }

  private constructor(options: LocalOracleOptions, mark: number) {
    this.#clock = options.env.clock;
    this.#mark = options.mark;
    this.#ahead = (options.aheadMs ?? aheadMsDefault) * timestampsPerMs;
    this.#last = Math.max(mark, (this.#clock.now() - oracleEpochMs) * timestampsPerMs);
    this.#limit = mark;
    this.#renewFrom = mark;
    this.#renewing = null;
    this.#failure = null;
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
    this.#isClosed = false;
  }

  next(count: number): number {
    const now = (this.#clock.now() - oracleEpochMs) * timestampsPerMs;
    let first = now;
    // Beyond the limit (idle for long, or a jump) or not above the last: the rest of the range, one by one. So, too,
    // where the next range can't be had: following the clock, this one would be over in some seconds.
    if (first > this.#limit - count + 1 || first <= this.#last || this.#failure !== null)
      first = this.#last + 1;
    const end = first + count - 1;
    if (end > this.#limit || this.#isClosed || !(count > 0)) this.#refuse(count);
    this.#last = end;
    if ((end > this.#renewFrom || now > this.#renewFrom) && this.#renewing === null) this.#renewSoon();
    return first;
  }

  /** Waits for the next range where `next` throws. Throws KvError UNAVAILABLE when the mark can't be stored. */
  async fetch(count: number): Promise<number> {
    if (!(count > 0) || this.#isClosed) this.#refuse(count);
    while (!this.hasRoom(count)) {
      await (this.#renewing ?? this.#renew(count));
      if (this.#failure !== null) throw unavailable(this.#failure);
    }
    return this.next(count);
  }

  /** The last timestamp handed out, or the floor; 0 when there is neither. */
  get last(): number {
    return this.#last;
  }

  /**
   * From now on every timestamp is above `version`: for recovery, which calls it with the highest version it
   * found, in case the mark was lost or belongs to another log. Resolves when `next` can be called.
   */
  async setFloor(version: number): Promise<void> {
    if (!Number.isSafeInteger(version)) throw new KvError('INVALID', `${version} is no timestamp`);
    if (version > this.#last) this.#last = version;
    await this.ready();
  }

  /** Throws KvError UNAVAILABLE when the mark can't be stored. */
  async ready(): Promise<void> {
    while (this.#last >= this.#limit) {
      if (this.#isClosed) throw closed();
      await (this.#renewing ?? this.#renew(1));
      if (this.#failure !== null) throw unavailable(this.#failure);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#renewing;
  }

  /** Whether `next` can do it, at the worst with the rest of the range. */
  hasRoom(count: number): boolean {
    return this.#isClosed || this.#last + count <= this.#limit;
  }

  /** Says why `next` can't do it, and sees to it that it soon can. */
  #refuse(count: number): never {
    if (this.#isClosed) throw closed();
    if (!(count > 0)) throw new KvError('INVALID', `${count} is no number of timestamps`);
    if (this.#renewing === null) this.#renewSoon(count);
    throw unavailable(this.#failure);
  }

  #renewSoon(count = 1): void {
    if (this.#clock.monotonic() >= this.#retryAtMs) this.#renew(count);
  }

  /** Persists a limit that leaves room for `count` timestamps and more. Never rejects: see `#failure`. */
  #renew(count: number): Promise<void> {
    const now = (this.#clock.now() - oracleEpochMs) * timestampsPerMs;
    const limit = Math.max(now, this.#last + count) + this.#ahead;
    this.#renewing = this.#store(limit).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #store(limit: number): Promise<void> {
    try {
      if (!Number.isSafeInteger(limit))
        throw new KvError('LIMIT', 'the clock is beyond what timestamps can say');
      await this.#mark.store(limit);
      this.#limit = limit;
      this.#renewFrom = limit - this.#ahead / 2;
      this.#failure = null;
    } catch (error) {
      this.#failure = error;
      this.#retryAtMs = this.#clock.monotonic() + retryDelayMs;
    }
  }
}

function closed(): KvError {
  return new KvError('CLOSED', 'the oracle is closed');
}

function unavailable(cause: unknown): KvError {
  const reason =
    cause === null ? 'the next range is being persisted' : `the mark can't be stored: ${String(cause)}`;
  return new KvError('UNAVAILABLE', `no timestamp is at hand: ${reason}`, { cause });
}
