/** What is to happen in virtual time: a binary heap, ordered by time, then by the order of scheduling. */
import type { NodeLife } from './node-life.js';

export interface SimulationEvent {
  atMs: number;
  order: number;
  /** Whose event it is: it is dropped when that life has ended, and waits while the node is paused. */
  readonly owner: NodeLife | null;
  readonly run: () => void;
  /** Planned by the node itself, and not by something that came to it. */
  readonly isTimer: boolean;
  isCancelled: boolean;
}

export class EventQueue {
  readonly #heap: SimulationEvent[] = [];
  #order = 0;
  #orderAgain = Number.MIN_SAFE_INTEGER;

  get size(): number {
    return this.#heap.length;
  }

  add(atMs: number, owner: NodeLife | null, run: () => void, isTimer = false): SimulationEvent {
    const event = { atMs, order: this.#order++, owner, run, isTimer, isCancelled: false };
    this.#up(event);
    return event;
  }

  /** Schedules an event that was taken once more: it was due before all others of that time. */
  addAgain(event: SimulationEvent, atMs: number): void {
    event.atMs = atMs;
    event.order = this.#orderAgain++;
    this.#up(event);
  }

  peek(): SimulationEvent | undefined {
    return this.#heap[0];
  }

  take(): SimulationEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#down(last);
    return first;
  }

  #up(event: SimulationEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent], event)) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = event;
  }

  #down(event: SimulationEvent): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (isBefore(event, heap[child])) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = event;
  }
}

function isBefore(a: SimulationEvent, b: SimulationEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
