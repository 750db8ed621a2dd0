/**
 * Keys and elements whose time is over: removed when somebody comes across them, or bit by bit in the background. Each
 * removal is a write of its own, unless the current command has already written: a command that finds its key expired
 * and does no more has no version. Nothing is removed while expired keys are kept (`KV.keepsExpired`): keys are then only
 * not seen, elements still are.
 */
import { databasesMax, KvError } from '@holdfast/common';
import type { Database, Ref } from '@holdfast/storage';
import { ElementExpiry } from './element-expiry.js';
import type { KV } from './kv.js';

/** The clock is looked at after so many keys, a power of two. */
const keysPerLook = 16;

export class Expiry {
  /** Whether it goes on in the background: DEBUG may switch that off. */
  isActive = true;
  readonly #kv: KV;
  readonly #elements: ElementExpiry;

  constructor(kv: KV) {
    this.#kv = kv;
    this.#elements = new ElementExpiry(kv);
  }

  /** Removes a key whose time is over, found just now. */
  removeKey(db: Database, ref: Ref): void {
    const kv = this.#kv;
    if (kv.keepsExpired) return;
    const { stamp } = kv.storage;
    const isOwnWrite = stamp.version === 0 && !kv.isInWrite;
    kv.removeAs('x', 'expired', 'lazyfree-lazy-expire', db, ref);
    kv.stats.expired++;
    if (isOwnWrite) stamp.reset();
  }

  /** Removes fields whose time is over from a key found just now; whether the key is gone with the last of them. */
  removeElements(db: Database, ref: Ref): boolean {
    const kv = this.#kv;
    // A field can't be there and not be seen: where the disk takes nothing, those that somebody comes across go.
    if (kv.isPaused || kv.isFollower) return false;
    const { stamp } = kv.storage;
    const isOwnWrite = stamp.version === 0 && !kv.isInWrite;
    const isGone = this.#elements.remove(db, ref, kv.context.nowMs);
    if (isOwnWrite) stamp.reset();
    return isGone;
  }

  /** Removes keys and fields whose time is over, for at most `budgetMs`; whether more are left. */
  sweep(budgetMs: number): boolean {
    const { context, env, keepsExpired, stopwatch } = this.#kv;
    if (keepsExpired) return false;
    const startMs = env.clock.monotonic();
    let isMore = false;
    try {
      isMore = this.#sweepUntil(startMs + budgetMs);
    } catch (error) {
      if (!isOutOfVersions(error)) throw error;
    }
    stopwatch.latency.add('expire-cycle', env.clock.monotonic() - startMs, context.nowMs);
    return isMore;
  }

  #sweepUntil(untilMs: number): boolean {
    const { env, storage } = this.#kv;
    const nowMs = env.clock.now();
    for (let index = 0; index < databasesMax; index++) {
      const db = storage.database(index);
      if (!this.#sweepKeys(db, nowMs, untilMs)) return true;
      if (!this.#elements.sweep(db, nowMs, untilMs)) return true;
    }
    return false;
  }

  /** False when it has to stop. */
  #sweepKeys(db: Database, nowMs: number, untilMs: number): boolean {
    const { env, propagation, storage } = this.#kv;
    for (let count = 1; ; count++) {
      const ref = db.expiries.next(nowMs);
      if (ref === 0) return true;
      if (ref > 0) {
        storage.stamp.reset();
        this.removeKey(db, ref);
        propagation?.flush();
      }
      if (count % keysPerLook === 0 && env.clock.monotonic() >= untilMs) return false;
    }
  }
}

/** The oracle can't give a version now: what was about to be removed is as it was, and is removed later. */
export function isOutOfVersions(error: unknown): boolean {
  return error instanceof KvError && error.code === 'UNAVAILABLE';
}
