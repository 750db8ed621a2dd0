/**
 * Gathers what is added while the input at hand is being handled, and passes it on in one go: the base of
 * every batch. A message costs about as much as the handling of a hundred commands in it.
 */
// @hot-path
import type { Timers } from '@holdfast/common';

export class TickQueue<T> {
  #items: T[] = [];
  #spare: T[] = [];
  #isScheduled = false;
  readonly #timers: Timers;
  readonly #flush: (items: readonly T[]) => void;
  readonly #run = (): void => this.flush();

  /** `flush` gets everything added since the last call, in order; the array is used again afterwards. */
  constructor(timers: Timers, flush: (items: readonly T[]) => void) {
    this.#timers = timers;
    this.#flush = flush;
  }

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    this.#items.push(item);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#timers.setImmediate(this.#run);
  }

  /** Passes on what there is, now. */
  flush(): void {
    this.#isScheduled = false;
    const items = this.#items;
    if (items.length === 0) return;
    this.#items = this.#spare;
    this.#flush(items);
    items.length = 0;
    this.#spare = items;
  }
}
