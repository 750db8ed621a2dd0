/** A reply that was given before its turn: what was written is written again, to the client, when it has come. */
import { Reply } from '@holdfast/common';

type Write = (reply: Reply) => void;

export class HeldReply extends Reply {
  dialect: 2 | 3;
  #writes: Write[] = [];

  constructor(dialect: 2 | 3) {
    super();
    this.dialect = dialect;
  }

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  replay(reply: Reply): void {
    for (const write of this.#writes) write(reply);
    this.#writes = [];
  }

  simple(text: string): void {
    this.#writes.push((reply) => reply.simple(text));
  }

  ok(): void {
    this.#writes.push((reply) => reply.ok());
  }

  error(message: string): void {
    this.failed = true;
    this.lastError = message;
    this.#writes.push((reply) => reply.error(message));
  }

  integer(n: number): void {
    this.#writes.push((reply) => reply.integer(n));
  }

  bigInteger(n: bigint): void {
    this.#writes.push((reply) => reply.bigInteger(n));
  }

  double(n: number): void {
    this.#writes.push((reply) => reply.double(n));
  }

  bulk(bytes: Uint8Array, start: number, length: number): void {
    const copy = Buffer.from(bytes.subarray(start, start + length));
    this.#writes.push((reply) => reply.bulk(copy, 0, length));
  }

  byteString(value: string): void {
    this.#writes.push((reply) => reply.byteString(value));
  }

  text(value: string): void {
    this.#writes.push((reply) => reply.text(value));
  }

  null(): void {
    this.#writes.push((reply) => reply.null());
  }

  nullArray(): void {
    this.#writes.push((reply) => reply.nullArray());
  }

  array(count: number): void {
    this.#writes.push((reply) => reply.array(count));
  }

  map(count: number): void {
    this.#writes.push((reply) => reply.map(count));
  }

  set(count: number): void {
    this.#writes.push((reply) => reply.set(count));
  }

  push(count: number): void {
    this.#writes.push((reply) => reply.push(count));
  }

  boolean(value: boolean): void {
    this.#writes.push((reply) => reply.boolean(value));
  }

  bigNumber(digits: string): void {
    this.#writes.push((reply) => reply.bigNumber(digits));
  }

  verbatim(format: string, text: string): void {
    this.#writes.push((reply) => reply.verbatim(format, text));
  }

  override raw(bytes: Uint8Array, start: number, length: number): void {
    const copy = Buffer.from(bytes.subarray(start, start + length));
    this.#writes.push((reply) => reply.raw(copy, 0, length));
  }
}
