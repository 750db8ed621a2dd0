/** One command that several shards answer: its parts are sent at once, and answered in its place when all have come. */
import { ErrorReply, errorLine, type ReplyValue, ValueReply } from '@holdfast/common';
import type { Run, RunOwner } from './run.js';

/** What one shard is asked, and what it replied. */
class Part implements RunOwner {
  readonly #gathering: Gathering;
  readonly #reply = new ValueReply(3);
  value: ReplyValue = null;
  version = 0;

  constructor(gathering: Gathering) {
    this.#gathering = gathering;
  }

  answered(run: Run, _count: number, bytes: Buffer, start: number, length: number, version: number): void {
    this.#reply.raw(bytes, start, length);
    if (!run.isComplete) return;
    this.version = version;
    this.#complete(this.#reply.take() ?? null);
  }

  failed(_run: Run, message: string): void {
    this.#complete(new ErrorReply(errorLine(message)));
  }

  /** A part is one request. */
  split(): void {}

  #complete(value: ReplyValue): void {
    this.value = value;
    this.#gathering.partComplete();
  }
}

export class Gathering {
  readonly #parts: Part[] = [];
  readonly #onDone: (values: readonly ReplyValue[], version: number) => void;
  #missing = 0;
  #isSent = false;

  /** `onDone` receives the values of all parts, in the order in which they were added. */
  constructor(onDone: (values: readonly ReplyValue[], version: number) => void) {
    this.#onDone = onDone;
  }

  /** Who gets the reply to the next part. */
  add(): RunOwner {
    const part = new Part(this);
    this.#parts.push(part);
    this.#missing++;
    return part;
  }

  /** All parts were added. */
  sent(): void {
    this.#isSent = true;
    if (this.#missing === 0) this.#finish();
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

/** The first error among values, null when there is none. */
export function firstError(values: readonly ReplyValue[]): ErrorReply | null {
  for (const value of values) if (value instanceof ErrorReply) return value;
  return null;
}
