/** One command that several shards answer: its parts are sent at once, and answered in its place when all have come. */
import { ErrorReply, errorLine, type ReplyValue, ValueReply } from '@holdfast/common';
import type { Run, RunOwner } from './run.js';

/** Takes a shard's reply as it comes. */
interface Collector<V> {
  raw(bytes: Uint8Array, start: number, length: number): void;
  take(): V | undefined;
}

/** What one shard is asked, and what it replied. */
class Part<V> implements RunOwner {
  readonly #gathering: Gathering<V>;
  readonly #reply: Collector<V | ErrorReply>;
  value: V | ErrorReply | null = null;
  version = 0;

  constructor(gathering: Gathering<V>, reply: Collector<V | ErrorReply>) {
    this.#gathering = gathering;
    this.#reply = reply;
  }

  answered(run: Run, _count: number, bytes: Buffer, start: number, length: number, version: number): void {
    this.#reply.raw(bytes, start, length);
    this.#gathering.came(run, length);
    if (!run.isComplete) return;
    this.version = version;
    this.#complete(this.#reply.take() ?? null);
  }

  failed(_run: Run, message: string): void {
    this.#complete(new ErrorReply(errorLine(message)));
  }

  /** A part is one request. */
  split(): void {}

  #complete(value: V | ErrorReply | null): void {
    this.value = value;
    this.#gathering.partComplete();
  }
}

type OnDone<V> = (values: readonly (V | ErrorReply | null)[], version: number) => void;
/** So many bytes of a part have come, and wait for the others. */
type OnPart = (run: Run, bytes: number) => void;

const nobodyCounts: OnPart = () => {};

export class Gathering<V = ReplyValue> {
  readonly #parts: Part<V>[] = [];
  readonly #onDone: OnDone<V>;
  readonly #onPart: OnPart;
  readonly #collect: () => Collector<V | ErrorReply>;
  #missing = 0;
  #isSent = false;

  /** `onDone` receives the values of all parts, in the order in which they were added; `onPart`: see `ReplyQueue.counting`. */
  static ofValues(onDone: OnDone<ReplyValue>, onPart: OnPart = nobodyCounts): Gathering {
    return new Gathering<ReplyValue>(onDone, onPart, () => new ValueReply(3));
  }

  /** As `ofValues`, of arrays whose elements may be a great many. */
  static ofArrays(onDone: OnDone<RawArray>, onPart: OnPart = nobodyCounts): Gathering<RawArray> {
    return new Gathering<RawArray>(onDone, onPart, () => new RawArrays());
  }

  private constructor(onDone: OnDone<V>, onPart: OnPart, collect: () => Collector<V | ErrorReply>) {
    this.#onDone = onDone;
    this.#onPart = onPart;
    this.#collect = collect;
  }

  /** Who gets the reply to the next part. */
  add(): RunOwner {
    const part = new Part(this, this.#collect());
    this.#parts.push(part);
    this.#missing++;
    return part;
  }

  /** All parts were added. */
  sent(): void {
    this.#isSent = true;
    if (this.#missing === 0) this.#finish();
  }

  came(run: Run, bytes: number): void {
    this.#onPart(run, bytes);
  }

  partComplete(): void {
    this.#missing--;
    if (this.#missing === 0 && this.#isSent) this.#finish();
  }

  #finish(): void {
    const version = Math.max(0, ...this.#parts.map((part) => part.version));
    this.#onDone(
      this.#parts.map(({ value }) => value),
      version,
    );
  }
}

/** An array as it came: an object for each of a million keys would take ten times the bytes. */
export interface RawArray {
  readonly count: number;
  /** RESP3, one after the other. */
  readonly elements: Buffer;
}

class RawArrays implements Collector<RawArray | ErrorReply> {
  #pieces: Buffer[] = [];

  raw(bytes: Uint8Array, start: number, length: number): void {
    this.#pieces.push(Buffer.from(bytes.subarray(start, start + length)));
  }

  take(): RawArray | ErrorReply {
    const reply = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.#pieces = [];
    const end = reply.indexOf('\r\n');
    const line = reply.toString('utf8', 1, end);
    if (reply[0] === minus) return new ErrorReply(line);
    return { count: Number(line), elements: reply.subarray(end + 2) };
  }
}

const minus = 0x2d;

/** The first error among values, null when there is none. */
export function firstError(values: readonly unknown[]): ErrorReply | null {
  for (const value of values) if (value instanceof ErrorReply) return value;
  return null;
}
