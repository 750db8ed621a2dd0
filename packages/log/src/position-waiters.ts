/** Those who wait until a log has an entry beyond a position. Each is woken once. */
import { KvError, type Timers } from '@holdfast/common';
import type { Position } from './log.js';

/** How the follower of a log that is far away makes sure that it is not forgotten. */
export interface Asking {
  readonly timers: Timers;
  /** How long it goes without news before it asks, in ms: at this time. */
  readonly intervalMs: number;
  /** Asks; what it finds wakes those whom it concerns. */
  ask(): Promise<unknown>;
}

interface Waiter {
  readonly beyond: Position;
  readonly resolve: () => void;
  readonly reject: (error: KvError) => void;
}

export class PositionWaiters {
  readonly #waiters = new Set<Waiter>();

  get isEmpty(): boolean {
    return this.#waiters.size === 0;
  }

  /** Resolves when woken, or when `signal` is aborted. */
  async wait(beyond: Position, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    let waiter: Waiter | undefined;
    const abort = (): void => waiter!.resolve();
    try {
      await new Promise<void>((resolve, reject) => {
        waiter = { beyond, resolve, reject };
        this.#waiters.add(waiter);
        signal?.addEventListener('abort', abort);
      });
    } finally {
      this.#waiters.delete(waiter!);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** As `wait`, and asks now and then until `isOver`, because who should wake may be cut off. */
  async waitOrAsk(
    beyond: Position,
    isOver: () => boolean,
    asking: Asking,
    signal?: AbortSignal,
  ): Promise<void> {
    while (!isOver() && !signal?.aborted) {
      const silence = new AbortController();
      const timer = asking.timers.setTimeout(() => silence.abort(), asking.intervalMs);
      const ends = signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]);
      try {
        await this.wait(beyond, ends);
      } finally {
        asking.timers.clearTimeout(timer);
      }
      if (silence.signal.aborted) await asking.ask();
    }
  }

  /** Wakes those who wait for an entry up to `position`. */
  wake(position: Position): void {
    for (const waiter of this.#waiters) if (waiter.beyond < position) waiter.resolve();
  }

  wakeAll(): void {
    this.wake(Number.POSITIVE_INFINITY);
  }

  /** The log is closed. */
  close(): void {
    for (const { reject } of this.#waiters) reject(new KvError('CLOSED', 'the log was closed'));
  }
}
