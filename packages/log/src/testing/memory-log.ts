/**
 * The simplest correct log: entries in an array. A twin to compare with, and a log for tests of what is
 * built upon logs. What survives a close lives in a `MemoryLogStore`.
 */
import { KvError } from '@holdfast/common';
import { batchBytesMax } from '../limits.js';
import type { AppendOutcome, Log, LogEntry, Position } from '../log.js';

/** What a closed log leaves behind. */
export class MemoryLogStore {
  entries: LogEntry[] = [];
  /** Position of the first entry, or of the one to come. */
  head: Position = 1;
  epoch = 0;
  sealed = false;
}

export class MemoryLog implements Log {
  readonly #store: MemoryLogStore;
  #closed = false;

  constructor(store: MemoryLogStore = new MemoryLogStore()) {
    this.#store = store;
  }

  get committedPosition(): Position {
    return this.#store.head + this.#store.entries.length - 1;
  }

  async append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    return this.appendSync(batch, after, epoch);
  }

  appendSync(batch: Uint8Array, after: Position, epoch: number): AppendOutcome {
    this.#throwWhenClosed();
    if (batch.length > batchBytesMax)
      throw new KvError('LIMIT', `a batch is longer than ${batchBytesMax} bytes`);
    const tail = this.committedPosition;
    if (this.#store.sealed) return { kind: 'refused', reason: 'sealed', tail };
    if (epoch < this.#store.epoch) return { kind: 'refused', reason: 'epoch', tail };
    if (after !== tail) return { kind: 'refused', reason: 'position', tail };
    const position = tail + 1;
    this.#store.epoch = epoch;
    this.#store.entries.push({ position, epoch, batch: Uint8Array.from(batch) });
    return { kind: 'committed', position };
  }

  read(from: Position): AsyncIterable<LogEntry> {
    this.#throwWhenClosed();
    return this.#entries(from, this.committedPosition);
  }

  async tail(): Promise<Position> {
    this.#throwWhenClosed();
    return this.committedPosition;
  }

  async head(): Promise<Position> {
    this.#throwWhenClosed();
    return this.#store.head;
  }

  async seal(): Promise<Position> {
    this.#throwWhenClosed();
    this.#store.sealed = true;
    return this.committedPosition;
  }

  async trim(before: Position): Promise<void> {
    this.#throwWhenClosed();
    const count = Math.min(before - this.#store.head, this.#store.entries.length);
    if (count <= 0) return;
    this.#store.entries = this.#store.entries.slice(count);
    this.#store.head += count;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async *#entries(from: Position, last: Position): AsyncGenerator<LogEntry, void, void> {
    const { head, entries } = this.#store;
    if (!(from >= head)) throw new KvError('INVALID', `position ${from} is no longer in the log`);
    for (let position = from; position <= last; position++) {
      const entry = entries[position - head];
      yield { position, epoch: entry.epoch, batch: entry.batch.slice() };
    }
  }

  #throwWhenClosed(): void {
    if (this.#closed) throw new KvError('CLOSED', 'the log is closed');
  }
}
