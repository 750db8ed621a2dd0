/**
 * An OrderedStore in memory whose calls complete when a scheduler says so, in any order that real ones
 * could have, and which fails on command. What it holds outlives it, as a disk does.
 */
import { KvError, type Random, randomBelow, systemEnv } from '@holdfast/common';
import type { KeyRange, OrderedBatch, OrderedRange, OrderedStore } from '../level/ordered-store.js';

/** Runs what waits, one at a time, in an order that depends on the seed alone. */
export class SeededScheduler {
  readonly #random: Random;
  #waiting: (() => void)[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Resolves when this caller is picked. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Every other time, by the seed. */
  flip(): boolean {
    return randomBelow(this.#random, 2) === 0;
  }

  /** Lets one of those who wait go on, and all that follows from it happen. */
  async step(): Promise<void> {
    const [picked] = this.#waiting.splice(randomBelow(this.#random, this.#waiting.length), 1);
    picked?.();
    await settled();
  }

  /** Steps until `promise` is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    promise.then(done, done);
    for (let idle = 0; !isDone && idle < 1000; idle = this.#waiting.length === 0 ? idle + 1 : 0)
      await this.step();
    if (!isDone) throw new Error('nothing is left to be done, and the promise is not settled');
    return promise;
  }

  /** Nobody who waits now ever goes on: the process has died. */
  abandon(): void {
    this.#waiting = [];
  }
}

/** Resolves when all promises that could settle by themselves have. */
function settled(): Promise<void> {
  return new Promise((resolve) => systemEnv().timers.setImmediate(resolve));
}

/** What is on the disk: entries by key, as byte strings. */
export class SimulatedContent {
  readonly entries = new Map<string, Buffer>();
  #sorted: string[] | null = null;

  put(key: Uint8Array, value: Uint8Array): void {
    const name = nameOf(key);
    if (!this.entries.has(name)) this.#sorted = null;
    this.entries.set(name, Buffer.from(value));
  }

  delete(key: Uint8Array): void {
    if (this.entries.delete(nameOf(key))) this.#sorted = null;
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.entries.get(nameOf(key));
  }

  /** What is there now: whatever is written later. */
  copy(): SimulatedContent {
    const copied = new SimulatedContent();
    for (const [name, value] of this.entries) copied.entries.set(name, value);
    return copied;
  }

  range(from: Uint8Array, to: Uint8Array): [Buffer, Buffer][] {
    this.#sorted ??= [...this.entries.keys()].sort();
    const found: [Buffer, Buffer][] = [];
    const [first, end] = [nameOf(from), nameOf(to)];
    for (const name of this.#sorted) {
      if (name >= first && name < end)
        found.push([Buffer.from(name, 'latin1'), this.entries.get(name) as Buffer]);
    }
    return found;
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

/** What a read of a range hands out at a time, in bytes and one entry more. */
const bytesPerRead = 1024;

/** Records are read when they are written. */
type Operation = { readonly key: Uint8Array; readonly value: Uint8Array | null };

export class SimulatedOrderedStore implements OrderedStore {
  readonly content: SimulatedContent;
  readonly #scheduler: SeededScheduler | null;
  /** So many of the next writes fail; half of them have written all the same, if `mayHaveWritten`. */
  failingWrites = 0;
  mayHaveWritten = false;
  /** Whether `getNow` ever answers: with a scheduler every other time, without one always. */
  readsNow = true;
  writes = 0;
  reopenings = 0;
  /** A write has failed: until the store is opened anew no other succeeds. */
  #isBroken = false;
  #isClosed = false;

  /** Without a scheduler everything completes at once. */
  constructor(content: SimulatedContent, scheduler: SeededScheduler | null = null) {
    this.content = content;
    this.#scheduler = scheduler;
  }

  getNow(key: Uint8Array): Uint8Array | undefined | null {
    if (this.#isClosed || !this.readsNow || this.#scheduler?.flip() === false) return null;
    return copyOf(this.content.get(key));
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#checkOpen();
    const names = keys.map((key) => Buffer.from(key));
    await this.#turn();
    const values = names.map((key) => copyOf(this.content.get(key)));
    await this.#turn();
    return values;
  }

  range(from: Uint8Array, to: Uint8Array): OrderedRange {
    this.#checkOpen();
    const entries = this.content.range(from, to);
    let at = 0;
    return {
      next: async (count) => {
        await this.#turn();
        const some = entries.slice(at, endOfRead(entries, at, count));
        at += some.length;
        return some.map(([key, value]) => [Buffer.from(key), Buffer.from(value)]);
      },
      close: async () => {},
    };
  }

  batch(): OrderedBatch {
    this.#checkOpen();
    const operations: Operation[] = [];
    return {
      put: (key, value) => void operations.push({ key: Buffer.from(key), value: Buffer.from(value) }),
      putRecord: (words, at, keyLength, valueLength) => {
        const record = new Uint8Array(words.buffer, words.byteOffset + at * 4, keyLength + valueLength);
        operations.push({ key: record.subarray(0, keyLength), value: record.subarray(keyLength) });
      },
      delete: (key) => void operations.push({ key: Buffer.from(key), value: null }),
      write: () => this.#write(operations),
      discard: async () => {},
    };
  }

  async clear(ranges: readonly KeyRange[]): Promise<void> {
    this.#checkOpen();
    const wanted = ranges.map(({ from, to }) => [Buffer.from(from), Buffer.from(to)]);
    await this.#turn();
    if (this.#isBroken) throw new KvError('DISK', 'No space left on device');
    for (const [from, to] of wanted)
      for (const [key] of this.content.range(from, to)) this.content.delete(key);
    await this.#turn();
  }

  /** What is removed takes no room here. */
  async takenBy({ from, to }: KeyRange): Promise<number> {
    this.#checkOpen();
    await this.#turn();
    return this.content.range(from, to).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  }

  async compact(_range: KeyRange): Promise<void> {
    await this.#turn();
  }

  async reopen(): Promise<void> {
    await this.#turn();
    this.reopenings++;
    this.#isBroken = false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  async #write(operations: readonly Operation[]): Promise<void> {
    await this.#turn();
    const fails = this.failingWrites > 0 || this.#isBroken;
    if (this.failingWrites > 0) this.failingWrites--;
    if (!fails || (!this.#isBroken && this.mayHaveWritten && operations.length % 2 === 0)) {
      for (const { key, value } of operations) {
        if (value === null) this.content.delete(key);
        else this.content.put(key, value);
      }
    }
    if (fails) {
      this.#isBroken = true;
      throw new KvError('DISK', 'No space left on device');
    }
    this.writes++;
    await this.#turn();
  }

  async #turn(): Promise<void> {
    if (this.#scheduler !== null) await this.#scheduler.turn();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new KvError('CLOSED', 'the store is closed');
  }
}

/** Large entries end a read early, as they do in LevelDB: here after few bytes, so that most reads find it so. */
function endOfRead(entries: readonly [Buffer, Buffer][], at: number, count: number): number {
  const last = Math.min(entries.length, at + count);
  let end = at;
  for (let bytes = 0; end < last && bytes < bytesPerRead; end++)
    bytes += entries[end][0].length + entries[end][1].length;
  return end;
}

function copyOf(value: Buffer | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value);
}
