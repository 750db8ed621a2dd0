/** What the server does by itself, a little at a time: active expiry, eviction, releasing memory, counting. */
import type { Env } from '@holdfast/common';
import type { KV } from '@holdfast/engine';
import type { MemoryWatch } from './memory-watch.js';

/** Evicting takes at most this much of a turn, in ms, besides what commands spend on it. */
const evictionBudgetMs = 2;
/** Active expiry takes at most this much of a turn, in ms. */
const expiryBudgetMs = 2;
const releaseBudget = 4096;
/** So many keys are looked at that might be let go from memory. */
const letGoLooks = 4096;
const intervalMs = 100;
/** How soon it goes on when there is more to do. */
const busyIntervalMs = 5;
const countIntervalMs = 1000;

export interface BackgroundOptions {
  readonly kv: KV;
  readonly env: Env;
  readonly memory: MemoryWatch;
  /** Keys may have gone: those who wait are served, and what was written is committed. */
  readonly afterTurn: () => void;
  /** A write takes more than a turn: nothing else may change. */
  readonly isHeld: () => boolean;
}

export class Background {
  /** Over the last second or so. */
  commandsPerSecond = 0;
  /** The most that the data took so far, as far as was noticed. */
  peakBytes = 0;
  readonly #options: BackgroundOptions;
  #counted = 0;
  #countedAtMs: number;
  #lookedAtMs = 0;
  #isStopped = false;
  /** Expired keys are being brought into memory, where they are removed. */
  #isLoading = false;

  constructor(options: BackgroundOptions) {
    this.#options = options;
    this.#countedAtMs = options.env.clock.monotonic();
    this.#schedule(intervalMs);
  }

  stop(): void {
    this.#isStopped = true;
  }

  #schedule(delayMs: number): void {
    this.#options.env.timers.setTimeout(() => {
      if (!this.#isStopped) this.#schedule(this.#work() ? busyIntervalMs : intervalMs);
    }, delayMs);
  }

  /** Whether there is more to do. */
  #work(): boolean {
    const { kv, afterTurn, isHeld } = this.#options;
    if (isHeld()) return false;
    kv.beginTurn();
    const isExpiring =
      kv.expiry.isActive && !kv.keepsExpired && (kv.expiry.sweep(expiryBudgetMs) || this.#loadExpired());
    this.#lookAtMemory();
    const isEvicting = kv.eviction.makeRoom(evictionBudgetMs) === 'more';
    const isReleased = kv.storage.releaseSome(releaseBudget);
    afterTurn();
    const isWithinBound = kv.storage.letGoSome(letGoLooks);
    this.#count();
    return isExpiring || isEvicting || !isReleased || !isWithinBound;
  }

  #lookAtMemory(): void {
    const nowMs = this.#options.env.clock.monotonic();
    if (nowMs - this.#lookedAtMs < intervalMs / 2) return;
    this.#lookedAtMs = nowMs;
    this.#options.memory.look();
  }

  /** Whether expired keys that are not resident are on their way. */
  #loadExpired(): boolean {
    if (this.#isLoading) return true;
    const { env, kv } = this.#options;
    const loading = kv.storage.prepareExpired(env.clock.now());
    if (loading === null) return false;
    this.#isLoading = true;
    const done = (): void => {
      this.#isLoading = false;
    };
    // What can't be read now is tried again in the next turn.
    loading.then(done, done);
    return true;
  }

  #count(): void {
    const { env, kv } = this.#options;
    const nowMs = env.clock.monotonic();
    const elapsedMs = nowMs - this.#countedAtMs;
    if (elapsedMs < countIntervalMs) return;
    const calls = kv.registry.totalCalls();
    // The counts may have begun anew meanwhile.
    const more = calls >= this.#counted ? calls - this.#counted : calls;
    this.commandsPerSecond = Math.round((more * 1000) / elapsedMs);
    this.#counted = calls;
    this.#countedAtMs = nowMs;
    this.peakBytes = Math.max(this.peakBytes, kv.storage.usedBytes + this.#options.memory.clientBytes);
  }
}
