/**
 * Bytes without detours: comparing, copying, and decimal numbers straight from and to byte arrays.
 *
 * A "byte string" is a JavaScript string with one character (0-255) per byte: what `latin1` gives.
 * It carries binary data safely and costs one byte per character.
 */
// @hot-path
import { KvError } from './errors.js';
import { textBytesMax } from './limits.js';

export const emptyBytes: Buffer = Buffer.allocUnsafeSlow(0);

/** Up to this length a loop beats the call into the runtime's memcpy (61 ns against 76 at 64 bytes, Node 20). */
const copyLoopMax = 72;

/** Copies `length` bytes from `source[sourceStart]` to `target[targetStart]`. Must not overlap. */
export function copyBytes(
  source: Uint8Array,
  sourceStart: number,
  target: Uint8Array,
  targetStart: number,
  length: number,
): void {
  if (length <= copyLoopMax) {
    // Eight at a time: twice as fast as one at a time from 16 bytes on.
    let i = 0;
    for (const end = length - 7; i < end; i += 8) {
      const from = sourceStart + i;
      const to = targetStart + i;
      target[to] = source[from];
      target[to + 1] = source[from + 1];
      target[to + 2] = source[from + 2];
      target[to + 3] = source[from + 3];
      target[to + 4] = source[from + 4];
      target[to + 5] = source[from + 5];
      target[to + 6] = source[from + 6];
      target[to + 7] = source[from + 7];
    }
    for (; i < length; i++) target[targetStart + i] = source[sourceStart + i];
  } else if (sourceStart === 0 && length === source.length) {
    // A view takes longer to make than 1 KB to copy: 55 ns against 100 to 190.
    target.set(source, targetStart);
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

/** Bytes to byte string. Throws KvError LIMIT beyond `textBytesMax`. */
export function byteStringOf(bytes: Uint8Array, start: number, length: number): string {
  if (length <= 24) {
    let text = '';
    for (let i = start, end = start + length; i < end; i++) text += String.fromCharCode(bytes[i]);
    return text;
  }
  checkTextLength(length);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
}

/** Throws KvError LIMIT for what is too long to be read as a text. */
export function checkTextLength(length: number): void {
  if (length <= textBytesMax) return;
  throw new KvError('LIMIT', `a name or number of ${length} bytes is longer than ${textBytesMax}`);
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
  if (n <= 9007199254740991) return negative ? -n : n;
  const exact = parseBigInteger(bytes, start, length);
  return exact === null ? Number.NaN : Number(exact);
}

const int64Max = 9223372036854775807n;
const int64Min = -9223372036854775808n;

/** As `parseInteger`, exact over all 64 bits; null when it is not such an integer. */
export function parseBigInteger(bytes: Uint8Array, start: number, length: number): bigint | null {
  if (length > 20) return null;
  const text = byteStringOf(bytes, start, length);
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return null;
  const n = BigInt(text);
  return n > int64Max || n < int64Min ? null : n;
}

/*
 * There is one way to match each of these: where a digit could belong to either of two parts, a text of digits that is
 * no number in the end took time with the square of its length, an hour for a megabyte.
 */
const decimalPattern = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const hexPattern = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i;
const nonzeroPattern = /^[+-]?([0.]*[1-9]|0x[0.]*[1-9a-f])/i;
const infinityPattern = /^([+-]?)inf(inity)?$/i;

/**
 * A text as C's strtod reads it, all of it: decimals, exponents, hexadecimal, `inf`, in any case. Beyond the
 * range the result is an infinity or 0; NaN when it is no number.
 */
export function doubleOf(text: string): number {
  if (decimalPattern.test(text)) return Number(text);
  const infinity = infinityPattern.exec(text);
  if (infinity !== null) return infinity[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const hex = hexPattern.exec(text);
  if (hex === null) return Number.NaN;
  const [, sign, whole, fraction = '', power = '0'] = hex;
  if (whole + fraction === '') return Number.NaN;
  const n = Number(`0x${whole}${fraction}`) * 2 ** (Number(power) - fraction.length * 4);
  return sign === '-' ? -n : n;
}

/** A double as Redis reads it: as `doubleOf`, but NaN when it is too large or too small for a double. */
export function parseDouble(bytes: Uint8Array, start: number, length: number): number {
  if (length > 0 && length <= 15) {
    const n = parseInteger(bytes, start, length);
    if (n === n) return n;
  }
  const text = byteStringOf(bytes, start, length);
  const n = doubleOf(text);
  if (n === 0 && nonzeroPattern.test(text)) return Number.NaN;
  if (n - n !== 0 && !infinityPattern.test(text)) return Number.NaN;
  return n;
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

/** Whole numbers up to here are printed with all their digits. */
const wholeMax = 2 ** 62;

/** A double as Redis 7.2 prints it: the fewest digits that read back the same. */
export function formatDouble(n: number): string {
  const size = Math.abs(n);
  // Here JavaScript prints the same: no exponent either way.
  if (size <= Number.MAX_SAFE_INTEGER && n % 1 === 0) return Object.is(n, -0) ? '-0' : String(n);
  if (size >= 0.001 && size < 10_000) return String(n);
  if (size <= wholeMax && n % 1 === 0) return BigInt(n).toString();
  return formatShortest(n);
}

/** As `formatDouble`, but for large whole numbers too with an exponent if that is shorter: as DEBUG DIGEST has it. */
export function formatShortest(n: number): string {
  if (n !== n) return 'nan';
  const size = Math.abs(n);
  const sign = n < 0 || Object.is(n, -0) ? '-' : '';
  if (size === Number.POSITIVE_INFINITY) return `${sign}inf`;
  return sign + (size === 0 ? '0' : layOut(size));
}

/**
 * Digits and exponent as Redis' fpconv lays them out: with an exponent when a whole number would get seven
 * zeros or more, or a fraction has seven digits after the point and is below 0.001 or not below 10,000.
 */
function layOut(n: number): string {
  const [mantissa, exponentText] = n.toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  const zeros = exponent - digits.length + 1;
  if (zeros >= 0 && exponent < digits.length + 7) return digits + '0'.repeat(zeros);
  if (zeros < 0 && (zeros > -7 || Math.abs(exponent) < 4)) {
    if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
    return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
  }
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}
