/**
 * The simplest correct log: entries in an array. A twin to compare with, and a log for tests of what is
 * built upon logs. What survives a close lives in a `MemoryLogStore`.
 */
import { KvError } from '@holdfast/common';
import { batchBytesMax } from '../limits.js';
import type { Committed, Log, LogEntry, LogState, Position, Refused } from '../log.js';
import { PositionWaiters } from '../position-waiters.js';

/** What a closed log leaves behind. Logs that are open on one store at the same time share it. */
export class MemoryLogStore {
  entries: LogEntry[] = [];
  /** Position of the first entry, or of the one to come. */
  head: Position;
  epoch: number;
  sealed = false;
  readonly followers = new PositionWaiters();

  constructor(startAfter: Position = 0, startEpoch = 0) {
    this.head = startAfter + 1;
    this.epoch = startEpoch;
  }

  get tail(): Position {
    return this.head + this.entries.length - 1;
  }

  get state(): LogState {
    return { head: this.head, tail: this.tail, epoch: this.epoch, isSealed: this.sealed };
  }

  append(batch: Uint8Array, after: Position, epoch: number): Committed | Refused {
    const { tail } = this;
    if (this.sealed) return { kind: 'refused', reason: 'sealed', tail };
    if (epoch < this.epoch) return { kind: 'refused', reason: 'epoch', tail };
    if (after !== tail) return { kind: 'refused', reason: 'position', tail };
    const position = tail + 1;
    this.epoch = epoch;
    this.entries.push({ position, epoch, batch: Uint8Array.from(batch) });
    this.followers.wake(position);
    return { kind: 'committed', position };
  }

  /** Entries from `from` to `last`, for whoever asks to own. Throws KvError INVALID below the head. */
  slice(from: Position, last: Position): LogEntry[] {
    if (!(from >= this.head)) throw new KvError('INVALID', `position ${from} is no longer in the log`);
    const entries = this.entries.slice(from - this.head, last + 1 - this.head);
    return entries.map((entry) => ({ ...entry, batch: entry.batch.slice() }));
  }

  seal(): Position {
    this.sealed = true;
    this.followers.wakeAll();
    return this.tail;
  }

  trim(before: Position): void {
    const count = Math.min(before - this.head, this.entries.length);
    if (count <= 0) return;
    this.entries = this.entries.slice(count);
    this.head += count;
  }
}

export class MemoryLog implements Log {
  readonly batchBytesMax: number;
  readonly #store: MemoryLogStore;
  readonly #closing = new AbortController();

  constructor(store: MemoryLogStore = new MemoryLogStore(), bytesMax: number = batchBytesMax) {
    this.#store = store;
    this.batchBytesMax = bytesMax;
  }

  get committedPosition(): Position {
    return this.#store.tail;
  }

  async append(batch: Uint8Array, after: Position, epoch: number): Promise<Committed | Refused> {
    return this.appendSync(batch, after, epoch);
  }

  appendSync(batch: Uint8Array, after: Position, epoch: number): Committed | Refused {
    this.#throwWhenClosed();
    if (batch.length > this.batchBytesMax)
      throw new KvError('LIMIT', `a batch is longer than ${this.batchBytesMax} bytes`);
    return this.#store.append(batch, after, epoch);
  }

  async resolve(): Promise<(Committed | Refused)[]> {
    this.#throwWhenClosed();
    return [];
  }

  read(from: Position): AsyncIterable<LogEntry> {
    this.#throwWhenClosed();
    return this.#entries(from, this.committedPosition);
  }

  async state(): Promise<LogState> {
    this.#throwWhenClosed();
    return this.#store.state;
  }

  async tail(): Promise<Position> {
    return (await this.state()).tail;
  }

  async head(): Promise<Position> {
    return (await this.state()).head;
  }

  async waitBeyond(position: Position, signal?: AbortSignal): Promise<Position> {
    this.#throwWhenClosed();
    const ends = [this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    if (this.committedPosition <= position && !this.#store.sealed) {
      await this.#store.followers.wait(position, AbortSignal.any(ends));
    }
    this.#throwWhenClosed();
    return this.committedPosition;
  }

  async seal(): Promise<Position> {
    this.#throwWhenClosed();
    return this.#store.seal();
  }

  async trim(before: Position): Promise<void> {
    this.#throwWhenClosed();
    this.#store.trim(before);
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async *#entries(from: Position, last: Position): AsyncGenerator<LogEntry, void, void> {
    yield* this.#store.slice(from, last);
  }

  #throwWhenClosed(): void {
    if (this.#closing.signal.aborted) throw new KvError('CLOSED', 'the log is closed');
  }
}
