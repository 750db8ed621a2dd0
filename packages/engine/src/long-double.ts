/**
 * 80-bit floats, as INCRBYFLOAT and HINCRBYFLOAT of a Redis on x86-64 read, add and print them: 64 bits of
 * mantissa, the nearest value with ties to even, printed with 17 digits after the point and without
 * trailing zeros.
 *
 *     value = mantissa * 2^exponent        mantissa: a bigint of at most 64 bits, with the sign
 *
 * Infinity is a value that can be read, but not one that a sum may have.
 */

export interface LongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const mantissaBits = 64;
/** The first magnitude that has more. */
const carried = 1n << BigInt(mantissaBits);
/** Beyond this power of two there is only infinity. */
const exponentMax = 16384;
/** The last bit of the smallest value. */
const exponentMin = -16445;
/** No value, however it is written, has its first digit further from the point. */
const powerMax = 4960;
/** Redis reads no longer text. */
const textLengthMax = 5119;
const fractionDigits = 17;

const zero: LongDouble = { mantissa: 0n, exponent: 0 };
const infinity: LongDouble = { mantissa: 1n, exponent: Number.POSITIVE_INFINITY };
const negativeInfinity: LongDouble = { mantissa: -1n, exponent: Number.POSITIVE_INFINITY };

/** Hexadecimal digits are had for a quarter of what binary ones cost. */
function bitLength(n: bigint): number {
  if (n === 0n) return 0;
  const digits = n.toString(16);
  return 4 * digits.length - Math.clz32(Number.parseInt(digits[0], 16)) + 28;
}

/** `n / 2^bits`, not negative, to the nearest integer, ties to even. */
function shiftRounded(n: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  const quotient = n >> shift;
  const doubled = (n - (quotient << shift)) << 1n;
  const unit = 1n << shift;
  const isUp = doubled > unit || (doubled === unit && (quotient & 1n) === 1n);
  return isUp ? quotient + 1n : quotient;
}

/** `numerator / denominator`, both positive, to the nearest integer, ties to even. */
function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const doubled = (numerator - quotient * denominator) * 2n;
  const isUp = doubled > denominator || (doubled === denominator && (quotient & 1n) === 1n);
  return isUp ? quotient + 1n : quotient;
}

/** The nearest long double to `numerator / denominator`; null when that is infinite. */
function nearest(numerator: bigint, denominator: bigint): LongDouble | null {
  if (numerator === 0n) return zero;
  const magnitude = numerator < 0n ? -numerator : numerator;
  let exponent = Math.max(bitLength(magnitude) - bitLength(denominator) - mantissaBits, exponentMin);
  let mantissa = scaled(magnitude, denominator, exponent);
  // The estimate may be one bit long, never short.
  if (bitLength(mantissa) > mantissaBits) mantissa = scaled(magnitude, denominator, ++exponent);
  if (exponent + bitLength(mantissa) > exponentMax) return null;
  return { mantissa: numerator < 0n ? -mantissa : mantissa, exponent };
}

/** The nearest long double to `mantissa * 2^exponent`; null when that is infinite. */
function rounded(mantissa: bigint, exponent: number): LongDouble | null {
  const magnitude = mantissa < 0n ? -mantissa : mantissa;
  const bits = bitLength(magnitude);
  const excess = Math.max(bits - mantissaBits, exponentMin - exponent, 0);
  if (exponent + bits > exponentMax) return null;
  if (excess === 0) return magnitude === 0n ? zero : { mantissa, exponent };
  const kept = shiftRounded(magnitude, excess);
  if (kept === 0n) return zero;
  // What was rounded up may be a bit longer, which is a zero: only then is it beyond what there is.
  const isCarried = kept === carried;
  if (isCarried && exponent + bits === exponentMax) return null;
  const mantissaMagnitude = isCarried ? kept >> 1n : kept;
  return {
    mantissa: mantissa < 0n ? -mantissaMagnitude : mantissaMagnitude,
    exponent: exponent + excess + Number(isCarried),
  };
}

/** `numerator / denominator / 2^exponent`, rounded. */
function scaled(numerator: bigint, denominator: bigint, exponent: number): bigint {
  return exponent >= 0
    ? divideRounded(numerator, denominator << BigInt(exponent))
    : divideRounded(numerator << BigInt(-exponent), denominator);
}

/** Those that most numbers need. */
const powersOfTen = Array.from({ length: 32 }, (_, power) => 10n ** BigInt(power));

function powerOfTen(power: number): bigint {
  return power < powersOfTen.length ? powersOfTen[power] : 10n ** BigInt(power);
}

const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
const hexadecimal = /^([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?(?:[pP]([+-]?\d+))?$/;
const infinite = /^[+-]?inf(inity)?$/i;

/** Reads a number as strtold does: decimal, hexadecimal or infinite. Null when it is none, or out of range. */
export function parseLongDouble(text: string): LongDouble | null {
  if (text.length > textLengthMax) return null;
  const match = decimal.exec(text);
  if (match !== null) return fromDigits(match, 10);
  const hexMatch = hexadecimal.exec(text);
  if (hexMatch !== null) return fromDigits(hexMatch, 16);
  if (!infinite.test(text)) return null;
  return text[0] === '-' ? negativeInfinity : infinity;
}

/** Sign, digits before and after the point, and exponent: of ten, or of two behind hexadecimal digits. */
function fromDigits(
  [, sign, whole, fraction = '', exponent = '0']: readonly string[],
  base: 10 | 16,
): LongDouble | null {
  if (whole + fraction === '') return null;
  const digits = BigInt(`${base === 16 ? '0x' : ''}${whole}${fraction}`);
  if (digits === 0n) return zero;
  const fractionPower = base === 16 ? 4 * fraction.length : fraction.length;
  const power = Number(exponent) - fractionPower;
  const powerLimit = base === 16 ? 4 * powerMax : powerMax;
  if (Math.abs(power) > powerLimit + 4 * textLengthMax) return null;
  const numerator = sign === '-' ? -digits : digits;
  const value =
    base === 16
      ? rounded(numerator, power)
      : power >= 0
        ? rounded(numerator * powerOfTen(power), 0)
        : nearest(numerator, powerOfTen(-power));
  // What is too small for any value but zero is out of range as well.
  return value === null || value.mantissa === 0n ? null : value;
}

/** The sum; null when it is not finite. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | null {
  if (a.exponent === Number.POSITIVE_INFINITY || b.exponent === Number.POSITIVE_INFINITY) return null;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  return rounded(sum, exponent);
}

const doubleView = new DataView(new ArrayBuffer(8));

/** The same as a finite double. */
export function longDoubleOf(n: number): LongDouble {
  doubleView.setFloat64(0, n);
  const bits = doubleView.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = biased === 0 ? fraction : fraction | 0x10000000000000n;
  return { mantissa: n < 0 ? -magnitude : magnitude, exponent: (biased === 0 ? 1 : biased) - 1075 };
}

/** A finite value with exactly so many digits after the point, at least one. */
export function formatFixed({ mantissa, exponent }: LongDouble, fractionDigits: number): string {
  const magnitude = (mantissa < 0n ? -mantissa : mantissa) * powerOfTen(fractionDigits);
  const shifted = exponent >= 0 ? magnitude << BigInt(exponent) : shiftRounded(magnitude, -exponent);
  const digits = shifted.toString().padStart(fractionDigits + 1, '0');
  const point = digits.length - fractionDigits;
  return `${mantissa < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Prints a finite value. */
export function formatLongDouble(value: LongDouble): string {
  const text = formatFixed(value, fractionDigits);
  let end = text.length;
  while (text[end - 1] === '0') end--;
  if (text[end - 1] === '.') end--;
  const shown = text.slice(0, end);
  return shown === '-0' ? '0' : shown;
}
