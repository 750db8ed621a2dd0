/**
 * The first so-and-so many keys, in order, of all that are offered, in bounded memory: a binary heap with the
 * last of them on top, which goes when there are too many.
 */
export interface FoundKey {
  /** A byte string: a Buffer would take four times as much. */
  readonly key: string;
  /** One of the storage's `valueTypes`. */
  readonly type: number;
  readonly version: number;
}

export class KeyHeap {
  readonly #heap: FoundKey[] = [];
  readonly #sign: 1 | -1;
  readonly #countMax: number;
  readonly #bytesMax: number;
  #bytes = 0;
  /** Keys were dropped: those behind the last one kept are not all known. */
  hasDropped = false;

  constructor(isReverse: boolean, countMax: number, bytesMax: number) {
    this.#sign = isReverse ? -1 : 1;
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.#heap.length === this.#countMax || this.hasDropped;
  }

  /** The last of the keys kept. */
  get last(): FoundKey {
    return this.#heap[0];
  }

  offer(found: FoundKey): void {
    const heap = this.#heap;
    if (this.isFull && this.#isBefore(this.last, found)) {
      this.hasDropped = true;
      return;
    }
    heap.push(found);
    this.#bytes += found.key.length;
    this.#rise(heap.length - 1);
    while (heap.length > this.#countMax || (this.#bytes > this.#bytesMax && heap.length > 1)) {
      this.#dropLast();
    }
  }

  /** The keys in order; the heap is empty then. */
  drain(): FoundKey[] {
    this.#bytes = 0;
    return this.#heap.splice(0).sort((a, b) => (this.#isBefore(a, b) ? -1 : 1));
  }

  #dropLast(): void {
    const heap = this.#heap;
    this.hasDropped = true;
    this.#bytes -= heap[0].key.length;
    const moved = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = moved;
    this.#sink(0);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const moved = heap[from];
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.#isBefore(moved, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = moved;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const moved = heap[from];
    let i = from;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#isBefore(heap[child], heap[child + 1])) child++;
      if (this.#isBefore(heap[child], moved)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = moved;
  }

  #isBefore(a: FoundKey, b: FoundKey): boolean {
    return this.#sign > 0 ? a.key < b.key : a.key > b.key;
  }
}
