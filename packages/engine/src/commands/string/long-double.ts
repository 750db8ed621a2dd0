/**
 * 80-bit floats, as INCRBYFLOAT of a Redis on x86-64 adds and prints them: 64 bits of mantissa, the
 * nearest value with ties to even, printed with 17 digits after the point and without trailing zeros.
 *
 *     value = mantissa * 2^exponent        mantissa: a bigint of at most 64 bits, with the sign
 */

export interface LongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const mantissaBits = 64;
/** Beyond this power of two there is only infinity. */
const exponentMax = 16384;
const fractionDigits = 17n;

function bitLength(n: bigint): number {
  return n === 0n ? 0 : n.toString(2).length;
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
  if (numerator === 0n) return { mantissa: 0n, exponent: 0 };
  const magnitude = numerator < 0n ? -numerator : numerator;
  let exponent = bitLength(magnitude) - bitLength(denominator) - mantissaBits;
  let mantissa = scaled(magnitude, denominator, exponent);
  // The estimate may be one bit short or long.
  if (bitLength(mantissa) > mantissaBits) mantissa = scaled(magnitude, denominator, ++exponent);
  else if (bitLength(mantissa) < mantissaBits) mantissa = scaled(magnitude, denominator, --exponent);
  if (exponent + bitLength(mantissa) > exponentMax) return null;
  return { mantissa: numerator < 0n ? -mantissa : mantissa, exponent };
}

/** `numerator / denominator / 2^exponent`, rounded. */
function scaled(numerator: bigint, denominator: bigint, exponent: number): bigint {
  return exponent >= 0
    ? divideRounded(numerator, denominator << BigInt(exponent))
    : divideRounded(numerator << BigInt(-exponent), denominator);
}

const decimal = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,5}))?$/;

/** Reads a decimal number; null when it is none, infinite, or too large. */
export function parseLongDouble(text: string): LongDouble | null {
  const match = decimal.exec(text);
  if (match === null || match[2] + match[3] === '') return null;
  const digits = BigInt(`${match[1] === '-' ? '-' : ''}${match[2]}${match[3]}`);
  const power = Number(match[4] ?? 0) - match[3].length;
  return power >= 0 ? nearest(digits * 10n ** BigInt(power), 1n) : nearest(digits, 10n ** BigInt(-power));
}

/** The sum; null when it is infinite. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | null {
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  return exponent >= 0 ? nearest(sum << BigInt(exponent), 1n) : nearest(sum, 1n << BigInt(-exponent));
}

export function formatLongDouble({ mantissa, exponent }: LongDouble): string {
  const magnitude = (mantissa < 0n ? -mantissa : mantissa) * 10n ** fractionDigits;
  const shifted =
    exponent >= 0 ? magnitude << BigInt(exponent) : divideRounded(magnitude, 1n << BigInt(-exponent));
  const digits = shifted.toString().padStart(Number(fractionDigits) + 1, '0');
  const point = digits.length - Number(fractionDigits);
  const fraction = digits.slice(point).replace(/0+$/, '');
  const text = fraction === '' ? digits.slice(0, point) : `${digits.slice(0, point)}.${fraction}`;
  return mantissa < 0n && text !== '0' ? `-${text}` : text;
}
