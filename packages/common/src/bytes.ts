/**
 * Bytes without detours: comparing, copying, and decimal numbers straight from and to byte arrays.
 *
 * A "byte string" is a JavaScript string with one character (0-255) per byte: what `latin1` gives.
 * It carries binary data safely and costs one byte per character.
 */
// @hot-path

export const emptyBytes: Buffer = Buffer.allocUnsafeSlow(0);

/** Below this length a plain loop beats the call into the runtime's memcpy (measured on Node 20). */
const copyLoopMax = 96;

/** Copies `length` bytes from `source[sourceStart]` to `target[targetStart]`. Must not overlap. */
export function copyBytes(
  source: Uint8Array,
  sourceStart: number,
  target: Uint8Array,
  targetStart: number,
  length: number,
): void {
  if (length <= copyLoopMax) {
    for (let i = 0; i < length; i++) target[targetStart + i] = source[sourceStart + i];
  } else {
    target.set(source.subarray(sourceStart, sourceStart + length), targetStart);
  }
}

/** Whether two ranges of equal length hold the same bytes. */
export function bytesEqual(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** Order of two ranges as `memcmp`, the shorter one first when it is a prefix: negative, 0, positive. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aLength: number,
  b: Uint8Array,
  bStart: number,
  bLength: number,
): number {
  const shared = aLength < bLength ? aLength : bLength;
  for (let i = 0; i < shared; i++) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

/** Bytes to byte string. */
export function byteStringOf(bytes: Uint8Array, start: number, length: number): string {
  if (length <= 24) {
    let text = '';
    for (let i = start, end = start + length; i < end; i++) text += String.fromCharCode(bytes[i]);
    return text;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
}

/** A byte string or a UTF-8 text as bytes: strings are encoded as UTF-8, bytes are passed through. */
export function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
}

/**
 * A decimal 64-bit integer as Redis reads it: optional minus, no plus, no leading zeros, no spaces.
 * NaN when it is not one or does not fit 64 bits. Beyond 2^53 the result is the nearest double:
 * where that matters, test `Number.isSafeInteger` and use `parseBigInteger`.
 */
export function parseInteger(bytes: Uint8Array, start: number, length: number): number {
  if (length === 0 || length > 20) return Number.NaN;
  let i = start;
  const end = start + length;
  const negative = bytes[i] === 45;
  if (negative && ++i === end) return Number.NaN;
  let digit = bytes[i] - 48;
  if (digit === 0) return i + 1 === end && !negative ? 0 : Number.NaN;
  if (digit < 0 || digit > 9) return Number.NaN;
  let n = digit;
  for (i++; i < end; i++) {
    digit = bytes[i] - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    n = n * 10 + digit;
  }
  if (n > 9007199254740991 && parseBigInteger(bytes, start, length) === null) return Number.NaN;
  return negative ? -n : n;
}

const int64Max = 9223372036854775807n;
const int64Min = -9223372036854775808n;

/** As `parseInteger`, exact over all 64 bits; null when it is not such an integer. */
export function parseBigInteger(bytes: Uint8Array, start: number, length: number): bigint | null {
  const text = byteStringOf(bytes, start, length);
  if (length > 20 || !/^(0|-?[1-9][0-9]*)$/.test(text)) return null;
  const n = BigInt(text);
  return n > int64Max || n < int64Min ? null : n;
}

const doublePattern = /^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|0[xX][0-9a-fA-F]+)$/;
const infinityPattern = /^([+-]?)inf(inity)?$/i;

/** A double as Redis reads it (`inf`, `-inf`, decimals, exponents, hex integers); NaN when it is none. */
export function parseDouble(bytes: Uint8Array, start: number, length: number): number {
  if (length > 0 && length <= 15) {
    const n = parseInteger(bytes, start, length);
    if (n === n) return n;
  }
  const text = byteStringOf(bytes, start, length);
  if (doublePattern.test(text)) {
    if (!/^[+-]0x/i.test(text)) return Number(text);
    return text.charCodeAt(0) === 45 ? -Number(text.slice(1)) : Number(text.slice(1));
  }
  const infinity = infinityPattern.exec(text);
  if (infinity === null) return Number.NaN;
  return infinity[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** How many decimal digits a non-negative integer below 2^53 has. */
export function digitCount(n: number): number {
  if (n < 10) return 1;
  if (n < 100) return 2;
  if (n < 1000) return 3;
  if (n < 10000) return 4;
  if (n < 100000) return 5;
  let digits = 6;
  for (let limit = 1e6; n >= limit; limit *= 10) digits++;
  return digits;
}

/** Writes a safe integer in decimal at `target[at]`; returns the position after it. Needs 17 bytes. */
export function writeInteger(target: Uint8Array, at: number, n: number): number {
  if (n < 0) {
    target[at++] = 45;
    n = -n;
  }
  const end = at + digitCount(n);
  let i = end - 1;
  while (n > 0x7fffffff) {
    const rest = Math.floor(n / 10);
    target[i--] = 48 + (n - rest * 10);
    n = rest;
  }
  let small = n | 0;
  do {
    const rest = (small / 10) | 0;
    target[i--] = 48 + (small - rest * 10);
    small = rest;
  } while (i >= at);
  return end;
}

/** A double as Redis 7 prints it: 17 significant digits at most, shortest that reads back the same. */
export function formatDouble(n: number): string {
  if (n === Number.POSITIVE_INFINITY) return 'inf';
  if (n === Number.NEGATIVE_INFINITY) return '-inf';
  if (n !== n) return 'nan';
  if (Object.is(n, -0)) return '-0';
  return String(n).replace(/e\+?(-?)(\d)$/, (_, sign, digit) => `e${sign === '-' ? '-0' : '+0'}${digit}`);
}
