/**
 * Pieces: the names and values of fields as they lie in a stream's node, back to back.
 *
 *     | length u8 < 200 | bytes |
 *     | 200..205 | an integer in 1..6 bytes, little-endian, signed |
 *     | 206 | length u16 | bytes |     | 207 | length u32 | bytes |
 *
 * A text that reads as an integer is kept as one, in at most 6 bytes instead of 15: measurements and times are
 * the most common values of streams. Only the shortest form of a number is taken, so it reads back the same.
 */
// @hot-path
import { bytesEqual, copyBytes, parseInteger, writeInteger } from '@holdfast/common';

const shortMax = 199;
const firstInteger = 200;
const mediumLength = 206;
const longLength = 207;
const wordSize = 2 ** 32;
/** Integers up to this size fit 6 bytes. */
const integerMax = 2 ** 47 - 1;
/** A minus and the digits of `integerMax`. */
const integerTextMax = 16;

/** A text as the integer that is kept for it; NaN when it is kept as it is. */
export function integerOf(bytes: Uint8Array, start: number, length: number): number {
  if (length > integerTextMax || length === 0) return Number.NaN;
  const first = bytes[start];
  if (first > 57 || (first < 48 && first !== 45)) return Number.NaN;
  const n = parseInteger(bytes, start, length);
  return n <= integerMax && n >= -integerMax ? n : Number.NaN;
}

/** Bytes that a piece takes: of a text of `length` bytes, for which `integerOf` returned `n`. */
export function pieceBytes(length: number, n: number): number {
  if (n === n) return 1 + integerWidth(n);
  if (length <= shortMax) return 1 + length;
  return length < 65536 ? 3 + length : 5 + length;
}

/** Writes a piece at `target[at]`; returns the position after it. */
export function writePiece(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  n: number,
): number {
  if (n === n) return writeIntegerPiece(target, at, n);
  let to = at + 1;
  if (length <= shortMax) {
    target[at] = length;
  } else {
    target[at] = length < 65536 ? mediumLength : longLength;
    target[to++] = length;
    target[to++] = length >>> 8;
    if (length >= 65536) {
      target[to++] = length >>> 16;
      target[to++] = length >>> 24;
    }
  }
  copyBytes(bytes, start, target, to, length);
  return to + length;
}

function writeIntegerPiece(target: Uint8Array, at: number, n: number): number {
  const width = integerWidth(n);
  target[at] = firstInteger - 1 + width;
  const low = n | 0;
  const high = Math.floor(n / wordSize);
  for (let i = 0; i < width; i++) target[at + 1 + i] = i < 4 ? low >>> (i * 8) : high >>> (i * 8 - 32);
  return at + 1 + width;
}

function integerWidth(n: number): number {
  if (n >= -128 && n <= 127) return 1;
  if (n >= -32768 && n <= 32767) return 2;
  if (n >= -8388608 && n <= 8388607) return 3;
  if (n >= -2147483648 && n <= 2147483647) return 4;
  return n >= -549755813888 && n <= 549755813887 ? 5 : 6;
}

/** The position after the piece at `bytes[at]`. */
export function skipPiece(bytes: Uint8Array, at: number): number {
  const code = bytes[at];
  if (code < firstInteger) return at + 1 + code;
  if (code < mediumLength) return at + 2 + code - firstInteger;
  if (code === mediumLength) return at + 3 + (bytes[at + 1] | (bytes[at + 2] << 8));
  return at + 5 + readLong(bytes, at + 1);
}

function readLong(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

function readIntegerPiece(bytes: Uint8Array, at: number): number {
  const width = bytes[at] - firstInteger + 1;
  let low = 0;
  let high = bytes[at + width] >= 128 ? -1 : 0;
  if (width >= 4) {
    low = readLong(bytes, at + 1);
    if (width === 5) high = (high << 8) | bytes[at + 5];
    else if (width === 6) high = (high << 16) | (bytes[at + 6] << 8) | bytes[at + 5];
    return high * wordSize + low;
  }
  for (let i = width; i > 0; i--) high = (high << 8) | bytes[at + i];
  return high;
}

/** Whether the piece at `bytes[at]` is a given text, for which `integerOf` returned `n`. */
export function isPiece(
  bytes: Uint8Array,
  at: number,
  text: Uint8Array,
  start: number,
  length: number,
  n: number,
): boolean {
  const code = bytes[at];
  if (n === n) return code >= firstInteger && code < mediumLength && readIntegerPiece(bytes, at) === n;
  if (code < firstInteger) return code === length && bytesEqual(bytes, at + 1, text, start, length);
  if (code < mediumLength) return false;
  const from = code === mediumLength ? at + 3 : at + 5;
  return skipPiece(bytes, at) - from === length && bytesEqual(bytes, from, text, start, length);
}

/** What a piece says: `bytes[start, start + length)`, a view that is valid until the next `read`. */
export class PieceView {
  bytes: Uint8Array;
  start = 0;
  length = 0;
  /** Integers are written out here. */
  readonly #digits = new Uint8Array(integerTextMax + 8);

  constructor() {
    this.bytes = this.#digits;
  }

  /** Reads the piece at `bytes[at]`; returns the position after it. */
  read(bytes: Uint8Array, at: number): number {
    const code = bytes[at];
    if (code >= firstInteger && code < mediumLength) {
      this.bytes = this.#digits;
      this.start = 0;
      this.length = writeInteger(this.#digits, 0, readIntegerPiece(bytes, at));
      return at + 2 + code - firstInteger;
    }
    const end = skipPiece(bytes, at);
    this.bytes = bytes;
    this.start = at + (code < firstInteger ? 1 : code === mediumLength ? 3 : 5);
    this.length = end - this.start;
    return end;
  }
}
