/** A reply that was given before its turn: what was written is written again, to the client, when it has come. */
import { Reply } from '@holdfast/common';
import { heldReplyBytesMax } from './limits.js';

type Write = (reply: Reply) => void;

/** What one of them takes, beside its bytes. */
const writeBytes = 96;

export class HeldReply extends Reply {
  dialect: 2 | 3;
  /** About what it takes. */
  bytes = 0;
  #writes: Write[] = [];
  readonly #bytesMax: number;

  constructor(dialect: 2 | 3, bytesMax: number = heldReplyBytesMax) {
    super();
    this.dialect = dialect;
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  replay(reply: Reply): void {
    const max = this.#bytesMax;
    if (this.bytes > max)
      reply.error(`LIMIT the reply takes more than ${max} bytes, and had to wait for others`);
    else for (const write of this.#writes) write(reply);
    this.#writes = [];
  }

  /** Of a reply that is too long nothing is kept. */
  #add(bytes: number, write: Write): void {
    this.bytes += bytes + writeBytes;
    if (this.bytes <= this.#bytesMax) this.#writes.push(write);
    else if (this.#writes.length > 0) this.#writes = [];
  }

  simple(text: string): void {
    this.#add(text.length, (reply) => reply.simple(text));
  }

  ok(): void {
    this.#add(0, (reply) => reply.ok());
  }

  error(message: string): void {
    this.failed = true;
    this.lastError = message;
    this.#add(message.length, (reply) => reply.error(message));
  }

  integer(n: number): void {
    this.#add(0, (reply) => reply.integer(n));
  }

  bigInteger(n: bigint): void {
    this.#add(0, (reply) => reply.bigInteger(n));
  }

  double(n: number): void {
    this.#add(0, (reply) => reply.double(n));
  }

  bulk(bytes: Uint8Array, start: number, length: number): void {
    const copy = Buffer.from(bytes.subarray(start, start + length));
    this.#add(length, (reply) => reply.bulk(copy, 0, length));
  }

  byteString(value: string): void {
    this.#add(value.length, (reply) => reply.byteString(value));
  }

  text(value: string): void {
    this.#add(value.length, (reply) => reply.text(value));
  }

  null(): void {
    this.#add(0, (reply) => reply.null());
  }

  nullArray(): void {
    this.#add(0, (reply) => reply.nullArray());
  }

  array(count: number): void {
    this.#add(0, (reply) => reply.array(count));
  }

  map(count: number): void {
    this.#add(0, (reply) => reply.map(count));
  }

  set(count: number): void {
    this.#add(0, (reply) => reply.set(count));
  }

  push(count: number): void {
    this.#add(0, (reply) => reply.push(count));
  }

  boolean(value: boolean): void {
    this.#add(0, (reply) => reply.boolean(value));
  }

  bigNumber(digits: string): void {
    this.#add(digits.length, (reply) => reply.bigNumber(digits));
  }

  verbatim(format: string, text: string): void {
    this.#add(text.length, (reply) => reply.verbatim(format, text));
  }

  override raw(bytes: Uint8Array, start: number, length: number): void {
    const copy = Buffer.from(bytes.subarray(start, start + length));
    this.#add(length, (reply) => reply.raw(copy, 0, length));
  }
}
