/**
 * Finds the next command in the bytes of a connection: a RESP array of bulk strings, or an inline line.
 * Nothing is decoded or copied: the request's offsets point into the bytes.
 *
 *     decode(bytes, at, end)  ->  position after the command, or `needMore`, or `malformed`
 *
 * After `needMore` the caller keeps `bytes[at, end)`, appends what comes, and calls again; the work done
 * so far is not repeated (offsets are shifted by `rebase`). Agrees with Redis on what is malformed and
 * on the error texts.
 */
// @hot-path
import { Request } from '@holdfast/common';
import { splitInline } from './inline.js';
import {
  argumentsMax,
  inlineBytesMax,
  unauthenticatedArgumentsMax,
  unauthenticatedBulkBytesMax,
} from './limits.js';
import type { RequestBatch } from './request-batch.js';

export const needMore = -1;
export const malformed = -2;

const cr = 13;
const lf = 10;

export class RequestDecoder {
  /** The command that `decode` found; `count` is 0 for an empty one, which has no reply. */
  request = new Request();
  /** Why the input is malformed: the text after `-ERR `. */
  error = '';
  /** Until the client has authenticated, less is accepted. */
  isAuthenticated = true;
  bulkBytesMax: number;
  /** Bytes that are missing at least for the argument being read; 0 when unknown. */
  missingBytes = 0;

  /** Arguments announced, and found so far; -1: the command's first line was not read yet. */
  #announced = -1;
  #found = 0;
  /** Where to go on. */
  #at = 0;
  /** Length of the argument whose bytes are being waited for; -1 when its length line was not read. */
  #bulkLength = -1;

  constructor(bulkBytesMax: number) {
    this.bulkBytesMax = bulkBytesMax;
  }

  /** The unfinished command, which began at `start`, now begins at 0. */
  rebase(start: number): void {
    if (this.#announced < 0 || start === 0) return;
    this.#at -= start;
    const { offsets } = this.request;
    for (let i = 0; i < this.#found; i++) offsets[2 * i] -= start;
  }

  /** Arguments of the unfinished command that have come so far. */
  get found(): number {
    return this.#announced < 0 ? 0 : this.#found;
  }

  /** Forgets an unfinished command: its bytes are decoded again. */
  reset(): void {
    this.#announced = -1;
    this.missingBytes = 0;
  }

  /**
   * Decodes whole commands into a batch until it is full or the bytes give none; empty ones are left out.
   * Returns the position after the last one. `batch.next` then says why there is no further one: `needMore`,
   * `malformed`, or 0 when the batch is full.
   */
  decodeBatch(bytes: Uint8Array, start: number, end: number, batch: RequestBatch, countMax: number): number {
    let at = start;
    batch.count = 0;
    batch.next = needMore;
    while (at < end) {
      if (batch.count === countMax) {
        batch.next = 0;
        break;
      }
      const next = this.decode(bytes, at, end);
      if (next < 0) {
        batch.next = next;
        break;
      }
      at = next;
      if (this.request.count > 0) this.request = batch.exchange(this.request, at);
    }
    return at;
  }

  decode(bytes: Uint8Array, start: number, end: number): number {
    const { request } = this;
    request.bytes = bytes;
    let at: number;
    if (this.#announced < 0) {
      if (bytes[start] !== 42) return this.#decodeInline(bytes, start, end);
      at = this.#decodeCount(bytes, start + 1, end);
      if (at < 0) return at;
    } else {
      at = this.#at;
    }
    const count = this.#announced;
    while (this.#found < count) {
      let length = this.#bulkLength;
      if (length < 0) {
        if (at >= end) return this.#pauseAt(at);
        if (bytes[at] !== 36) return this.#expectedBulk(bytes[at]);
        const next = this.#decodeBulkLength(bytes, at + 1, end);
        if (next < 0) return next === needMore ? this.#pauseAt(at) : next;
        at = next;
        length = this.#bulkLength;
      }
      if (at + length + 2 > end) {
        this.missingBytes = at + length + 2 - end;
        return this.#pauseAt(at);
      }
      const { offsets } = request;
      offsets[2 * this.#found] = at;
      offsets[2 * this.#found + 1] = length;
      this.#found++;
      this.#bulkLength = -1;
      at += length + 2;
    }
    request.count = count;
    request.frameStart = start;
    request.frameEnd = at;
    this.#announced = -1;
    this.missingBytes = 0;
    return at;
  }

  /** Reads `*count\r\n` behind the star; sets `#announced`. */
  #decodeCount(bytes: Uint8Array, from: number, end: number): number {
    const { request } = this;
    // The common case: one digit.
    let count = bytes[from] - 48;
    let at = from + 3;
    if (at > end || count < 0 || count > 9 || bytes[from + 1] !== cr) {
      const line = lineEnd(bytes, from, end);
      if (line < 0) {
        if (end - from <= inlineBytesMax) return needMore;
        return this.#fail('Protocol error: too big mbulk count string');
      }
      if (line + 2 > end) return needMore;
      count = parseLength(bytes, from, line);
      const isTooLarge = count > argumentsMax || count !== count;
      if (isTooLarge) return this.#fail('Protocol error: invalid multibulk length');
      at = line + 2;
    }
    if (!this.isAuthenticated && count > unauthenticatedArgumentsMax) {
      return this.#fail('Protocol error: unauthenticated multibulk length');
    }
    if (count < 0) count = 0;
    request.count = 0;
    // Room for what was announced is made as it arrives: an announcement alone takes no memory.
    request.reserve(Math.min(count, 1024));
    this.#announced = count;
    this.#found = 0;
    this.#bulkLength = -1;
    return at;
  }

  /** Reads `length\r\n`; sets `#bulkLength`. */
  #decodeBulkLength(bytes: Uint8Array, from: number, end: number): number {
    let length = 0;
    let i = from;
    for (; i < end; i++) {
      const digit = bytes[i] - 48;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
      if (i - from > 17) return this.#fail('Protocol error: invalid bulk length');
    }
    if (i === end) return needMore;
    if (bytes[i] !== cr || i === from || (bytes[from] === 48 && i > from + 1)) {
      const line = lineEnd(bytes, from, end);
      if (line >= 0) return this.#fail('Protocol error: invalid bulk length');
      if (end - from <= inlineBytesMax) return needMore;
      return this.#fail('Protocol error: too big bulk count string');
    }
    if (i + 2 > end) return needMore;
    if (length > this.bulkBytesMax) return this.#fail('Protocol error: invalid bulk length');
    if (!this.isAuthenticated && length > unauthenticatedBulkBytesMax) {
      return this.#fail('Protocol error: unauthenticated bulk length');
    }
    this.#bulkLength = length;
    if (this.#found * 2 >= this.request.offsets.length) this.request.reserve(this.#found + 1);
    return i + 2;
  }

  #decodeInline(bytes: Uint8Array, start: number, end: number): number {
    let newline = start;
    while (newline < end && bytes[newline] !== lf) newline++;
    if (newline === end) {
      // As in Redis a longer line is read where its end has come: what is limited is how much waits for one.
      if (end - start <= inlineBytesMax) return needMore;
      return this.#fail('Protocol error: too big inline request');
    }
    const lineStop = newline > start && bytes[newline - 1] === cr ? newline - 1 : newline;
    const args = splitInline(bytes.subarray(start, lineStop));
    if (args === null) return this.#fail('Protocol error: unbalanced quotes in request');
    if (args.length > 0 && httpPattern.test(args[0].toString('latin1'))) return this.#fail(notHttp);
    this.request.bytes = bytes.subarray(0, 0);
    this.request.assign(args);
    return newline + 1;
  }

  #expectedBulk(byte: number): number {
    return this.#fail(`Protocol error: expected '$', got '${String.fromCharCode(byte)}'`);
  }

  #pauseAt(at: number): number {
    this.#at = at;
    return needMore;
  }

  #fail(message: string): number {
    this.error = message;
    return malformed;
  }
}

/** Words that a web page can make a browser send here: nothing behind them is looked at. */
const httpPattern = /^(post|host:)$/i;
const notHttp = 'Protocol error: HTTP is not served here';

/** Position of the next CR, or -1 when there is none where a line may end. */
function lineEnd(bytes: Uint8Array, from: number, end: number): number {
  const lineMax = Math.min(end, from + inlineBytesMax + 1);
  for (let i = from; i < lineMax; i++) if (bytes[i] === cr) return i;
  return -1;
}

/** A decimal number, strict; NaN when it is none. */
function parseLength(bytes: Uint8Array, from: number, end: number): number {
  const isNegative = bytes[from] === 45;
  let i = isNegative ? from + 1 : from;
  if (i === end || end - i > 15 || (bytes[i] === 48 && (end - i > 1 || isNegative))) return Number.NaN;
  let n = 0;
  for (; i < end; i++) {
    const digit = bytes[i] - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    n = n * 10 + digit;
  }
  return isNegative ? -n : n;
}
