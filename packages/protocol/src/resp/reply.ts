/**
 * Encodes replies as RESP2 or RESP3 into a connection's output buffer. The buffer is borrowed from a
 * pool when the first byte is written and goes back when all was sent, so that an idle connection holds
 * none.
 */
// @hot-path
import { copyBytes, errorLine, formatDouble, isEscaped, Reply, utf8Of, writeInteger } from '@holdfast/common';
import type { BufferPool } from './buffer-pool.js';

/** One large reply is no reason to take more than a buffer of the pool for the next one. */
const usualLengthMax = 4096;

const cr = 13;
const lf = 10;

export class RespReply extends Reply {
  dialect: 2 | 3 = 2;
  /** What is to be sent: `bytes[0, length)`. */
  bytes: Buffer;
  length = 0;
  /** More was written than a client may be sent in one go: what there is now is no reply, and the connection has to end. */
  isOverflown = false;
  /** What was sent when the buffer last became empty: so much will do next time. */
  #usualLength = 0;
  readonly #pool: BufferPool;
  readonly #lengthMax: number;

  constructor(pool: BufferPool, lengthMax = Number.POSITIVE_INFINITY) {
    super();
    this.#pool = pool;
    this.#lengthMax = lengthMax;
    this.bytes = pool.none;
  }

  simple(text: string): void {
    this.#line(43, text);
  }

  ok(): void {
    this.reserve(5);
    const { bytes } = this;
    const at = this.length;
    bytes[at] = 43;
    bytes[at + 1] = 79;
    bytes[at + 2] = 75;
    bytes[at + 3] = cr;
    bytes[at + 4] = lf;
    this.length = at + 5;
  }

  error(message: string): void {
    this.failed = true;
    this.lastError = message;
    const line = errorLine(message);
    this.reserve(line.length * 3 + 3);
    this.bytes[this.length++] = 45;
    if (isEscaped(line)) this.length += utf8Of(line).copy(this.bytes, this.length);
    else this.length += this.bytes.write(line, this.length, 'utf8');
    this.#endLine();
  }

  integer(n: number): void {
    this.#number(58, n);
  }

  bigInteger(n: bigint): void {
    this.#line(58, n.toString());
  }

  double(n: number): void {
    this.doubleAs(n, formatDouble(n));
  }

  override doubleAs(_n: number, digits: string): void {
    if (this.dialect === 3) this.#line(44, digits);
    else this.byteString(digits);
  }

  bulk(source: Uint8Array, start: number, length: number): void {
    this.reserve(length + 24);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = 36;
    at = writeInteger(bytes, at, length);
    bytes[at++] = cr;
    bytes[at++] = lf;
    copyBytes(source, start, bytes, at, length);
    at += length;
    bytes[at++] = cr;
    bytes[at++] = lf;
    this.length = at;
  }

  byteString(value: string): void {
    this.#number(36, value.length);
    this.reserve(value.length + 2);
    this.length += this.bytes.write(value, this.length, 'latin1');
    this.#endLine();
  }

  text(value: string): void {
    if (isEscaped(value)) {
      const bytes = utf8Of(value);
      this.bulk(bytes, 0, bytes.length);
      return;
    }
    const length = Buffer.byteLength(value, 'utf8');
    this.#number(36, length);
    this.reserve(length + 2);
    this.length += this.bytes.write(value, this.length, 'utf8');
    this.#endLine();
  }

  null(): void {
    if (this.dialect === 3) this.#line(95, '');
    else this.#line(36, '-1');
  }

  nullArray(): void {
    if (this.dialect === 3) this.#line(95, '');
    else this.#line(42, '-1');
  }

  array(count: number): void {
    this.#number(42, count);
  }

  map(count: number): void {
    if (this.dialect === 3) this.#number(37, count);
    else this.#number(42, count * 2);
  }

  set(count: number): void {
    this.#number(this.dialect === 3 ? 126 : 42, count);
  }

  push(count: number): void {
    this.#number(this.dialect === 3 ? 62 : 42, count);
  }

  override attribute(count: number): boolean {
    if (this.dialect === 2) return false;
    this.#number(124, count);
    return true;
  }

  boolean(value: boolean): void {
    if (this.dialect === 3) this.#line(35, value ? 't' : 'f');
    else this.#number(58, value ? 1 : 0);
  }

  bigNumber(digits: string): void {
    if (this.dialect === 3) this.#line(40, digits);
    else this.byteString(digits);
  }

  verbatim(format: string, text: string): void {
    if (this.dialect === 2) {
      this.text(text);
      return;
    }
    const bytes = utf8Of(`${format}:${text}`);
    this.#number(61, bytes.length);
    this.reserve(bytes.length + 2);
    this.length += bytes.copy(this.bytes, this.length);
    this.#endLine();
  }

  override raw(bytes: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    copyBytes(bytes, start, this.bytes, this.length, length);
    this.length += length;
  }

  /** Forgets what was written beyond `length`. */
  cut(length: number): void {
    this.length = length;
  }

  /** Forgets `bytes[0, sent)`. With nothing left, the buffer goes back to the pool, unless it was given away. */
  consume(sent: number, isGivenAway: boolean): void {
    const rest = this.length - sent;
    if (rest > 0) {
      if (isGivenAway) {
        const kept = this.#pool.take(rest);
        this.bytes.copy(kept, 0, sent, this.length);
        this.bytes = kept;
      } else {
        this.bytes.copyWithin(0, sent, this.length);
      }
    } else {
      this.#usualLength = Math.min(this.length, usualLengthMax);
      if (!isGivenAway) this.#pool.give(this.bytes);
      this.bytes = this.#pool.none;
    }
    this.length = rest;
  }

  #number(type: number, n: number): void {
    this.reserve(24);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = type;
    if (n >= 0 && n < 10) {
      bytes[at++] = 48 + n;
    } else {
      at = writeInteger(bytes, at, n);
    }
    bytes[at++] = cr;
    bytes[at++] = lf;
    this.length = at;
  }

  /** A line of ASCII text. */
  #line(type: number, text: string): void {
    this.reserve(text.length + 3);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = type;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    bytes[at++] = cr;
    bytes[at++] = lf;
    this.length = at;
  }

  #endLine(): void {
    this.reserve(2);
    this.bytes[this.length++] = cr;
    this.bytes[this.length++] = lf;
  }

  /** Makes room for so many bytes more. */
  protected reserve(more: number): void {
    if (this.length + more > this.bytes.length) this.#grow(more);
  }

  /** There is no room for what comes next. */
  protected overflow(): void {
    this.isOverflown = true;
    this.length = 0;
  }

  #grow(more: number): void {
    if (this.length + more > this.#lengthMax) {
      this.overflow();
      if (this.length + more <= this.bytes.length) return;
    }
    const { bytes, length } = this;
    const least = bytes.length === 0 ? this.#usualLength : bytes.length * 2;
    const grown = this.#pool.take(Math.max(length + more, Math.min(least, this.#lengthMax)));
    bytes.copy(grown, 0, 0, length);
    if (bytes.length > 0) this.#pool.give(bytes);
    this.bytes = grown;
  }
}
