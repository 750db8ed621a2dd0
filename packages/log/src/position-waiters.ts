/** Those who wait until a log has an entry beyond a position. Each is woken once. */
import { KvError } from '@holdfast/common';
import type { Position } from './log.js';

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
