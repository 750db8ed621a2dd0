/** Ids of entries, as clients write them and as they are replied. */
// @hot-path
import type { Reply, Request } from '@holdfast/common';
import { idTextBytesMax, StreamId } from '@holdfast/storage';

export const invalidId = 'ERR Invalid stream ID specified as stream command argument';

const textBytesMax = 127;
/** So many digits are exact in a double. */
const digitsMax = 15;
const wordSize = 2 ** 32;
const text = new Uint8Array(idTextBytesMax);

/** What an id is without its sequence number: the first or the last one of its millisecond. */
export type MissingSeq = 'first' | 'last';

/** Reads `ms-seq` or `ms` at argument `i`; false when it is no id. */
export function readId(request: Request, i: number, into: StreamId, missing: MissingSeq = 'first'): boolean {
  return readIdAt(request.bytes, request.start(i), request.length(i), into, missing);
}

/** As `readId`, with `-` and `+` for the least and the greatest id. */
export function readLimit(request: Request, i: number, into: StreamId, missing: MissingSeq): boolean {
  if (request.length(i) === 1) {
    const byte = request.bytes[request.start(i)];
    if (byte === 45) {
      into.toZero();
      return true;
    }
    if (byte === 43) {
      into.toMax();
      return true;
    }
  }
  return readId(request, i, into, missing);
}

/** Reads `ms-*` at argument `i`: `into` is then the first id of that millisecond. */
export function readOpenId(request: Request, i: number, into: StreamId): boolean {
  const { bytes } = request;
  const start = request.start(i);
  const end = start + request.length(i);
  if (end - start < 3 || bytes[end - 1] !== 42 || bytes[end - 2] !== 45) return false;
  return readIdAt(bytes, start, end - 2 - start, into, 'first') && hasNoDash(bytes, start, end - 2);
}

function hasNoDash(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === 45) return false;
  return true;
}

function readIdAt(
  bytes: Uint8Array,
  start: number,
  length: number,
  into: StreamId,
  missing: MissingSeq,
): boolean {
  if (length > textBytesMax) return false;
  let end = start + length;
  let dash = -1;
  for (let at = start; at < end; at++) {
    // As in a text of C, nothing counts behind a zero byte.
    if (bytes[at] === 0) end = at;
    else if (bytes[at] === 45 && dash < 0) dash = at;
  }
  const msEnd = dash < 0 ? end : dash;
  if (!readHalf(bytes, start, msEnd)) return false;
  const { msHigh, msLow } = half;
  half.set(0, 0, 0, 0);
  if (dash >= 0) {
    if (!readHalf(bytes, dash + 1, end)) return false;
  } else if (missing === 'last') {
    half.set(-1, -1, 0, 0);
  }
  into.set(msHigh, msLow, half.msHigh, half.msLow);
  return true;
}

/** The number that `readHalf` read, in its first two words. */
const half = new StreamId();

/** Reads 64 bits in decimal. */
function readHalf(bytes: Uint8Array, start: number, end: number): boolean {
  if (end === start) return false;
  if (end - start > digitsMax) return readHalfSlowly(bytes, start, end);
  let n = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at] - 48;
    if (digit < 0 || digit > 9) return readHalfSlowly(bytes, start, end);
    n = n * 10 + digit;
  }
  half.set(Math.floor(n / wordSize), n, 0, 0);
  return true;
}

/** As strtoull reads it: spaces before it, a sign. A minus wraps around, but not before a number in its shortest form. */
function readHalfSlowly(bytes: Uint8Array, start: number, end: number): boolean {
  const text = String.fromCharCode(...bytes.subarray(start, end));
  const match = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/.exec(text);
  if (match === null || /^-[1-9]\d*$/.test(text)) return false;
  let n = BigInt(match[2]);
  if (n >= 2n ** 64n) return false;
  if (match[1] === '-') n = BigInt.asUintN(64, -n);
  half.set(Number(n >> 32n), Number(n & 0xffffffffn), 0, 0);
  return true;
}

export function replyId(reply: Reply, id: StreamId): void {
  reply.bulk(text, 0, id.writeText(text, 0));
}

/** The ends of a range, both included. */
export class IdRange {
  readonly start = new StreamId();
  readonly end = new StreamId();

  /** Reads the ends at two arguments, which `(` excludes; what is wrong with them, or null. */
  read(request: Request, startAt: number, endAt: number): string | null {
    return this.readStart(request, startAt) ?? this.#readEnd(request, endAt);
  }

  readStart(request: Request, i: number): string | null {
    const isExclusive = isOpen(request, i);
    if (!readEnd(request, i, isExclusive, this.start, 'first')) return invalidId;
    if (isExclusive && !this.start.increment()) return 'ERR invalid start ID for the interval';
    return null;
  }

  #readEnd(request: Request, i: number): string | null {
    const isExclusive = isOpen(request, i);
    if (!readEnd(request, i, isExclusive, this.end, 'last')) return invalidId;
    if (isExclusive && !this.end.decrement()) return 'ERR invalid end ID for the interval';
    return null;
  }
}

function isOpen(request: Request, i: number): boolean {
  return request.length(i) > 1 && request.bytes[request.start(i)] === 40;
}

function readEnd(
  request: Request,
  i: number,
  isExclusive: boolean,
  into: StreamId,
  missing: MissingSeq,
): boolean {
  if (!isExclusive) return readLimit(request, i, into, missing);
  return readIdAt(request.bytes, request.start(i) + 1, request.length(i) - 1, into, missing);
}
