/**
 * Integers of 1 to 64 bits anywhere in a string, the highest bit first. They are bigints: a field of 64 bits is
 * exact, and what 9 bytes hold is worked on as one number.
 */

/** How a field is read: `i16`, `u8`. */
export interface FieldType {
  readonly bits: number;
  readonly isSigned: boolean;
}

export type Overflow = 'WRAP' | 'SAT' | 'FAIL';

/** A field of 64 bits may lie in so many bytes. */
export const fieldBytesMax = 9;

const window = Buffer.alloc(fieldBytesMax);
const windowBits = fieldBytesMax * 8;

/** `i1` to `i64`, `u1` to `u63`; null for anything else. */
export function parseFieldType(text: string): FieldType | null {
  const match = /^([iu])([1-9]\d?)$/.exec(text);
  if (match === null) return null;
  const isSigned = match[1] === 'i';
  const bits = Number(match[2]);
  return bits > (isSigned ? 64 : 63) ? null : { bits, isSigned };
}

/** A number as the field shows it, whatever bits it has beyond. */
export function wrap({ bits, isSigned }: FieldType, n: bigint): bigint {
  return isSigned ? BigInt.asIntN(bits, n) : BigInt.asUintN(bits, n);
}

/** What a field becomes that is to hold `n`; null when it must not change. */
export function fit(type: FieldType, n: bigint, overflow: Overflow): bigint | null {
  const { bits, isSigned } = type;
  const min = isSigned ? -(1n << BigInt(bits - 1)) : 0n;
  const max = min + (1n << BigInt(bits)) - 1n;
  if (n >= min && n <= max) return n;
  if (overflow === 'FAIL') return null;
  if (overflow === 'WRAP') return wrap(type, n);
  return n < min ? min : max;
}

/** Loads the bytes around a field of which the first bit is `offset` of `bytes[start, start + length)`; zeros after the end. */
function load(bytes: Uint8Array, start: number, length: number, offset: number): bigint {
  const at = Math.floor(offset / 8);
  for (let i = 0; i < fieldBytesMax; i++) window[i] = at + i < length ? bytes[start + at + i] : 0;
  return (window.readBigUInt64BE(0) << 8n) | BigInt(window[8]);
}

export function readField(
  bytes: Uint8Array,
  start: number,
  length: number,
  offset: number,
  type: FieldType,
): bigint {
  const loaded = load(bytes, start, length, offset);
  return wrap(type, loaded >> BigInt(windowBits - (offset & 7) - type.bits));
}

/** How many bytes a field lies in. */
export function fieldBytes(offset: number, { bits }: FieldType): number {
  return ((offset & 7) + bits + 7) >>> 3;
}

/** The bytes of a string that a field lies in, `fieldBytes` of them, once it holds `n`. To be copied at once. */
export function bytesWithField(
  bytes: Uint8Array,
  start: number,
  length: number,
  offset: number,
  { bits }: FieldType,
  n: bigint,
): Buffer {
  const shift = BigInt(windowBits - (offset & 7) - bits);
  const mask = ((1n << BigInt(bits)) - 1n) << shift;
  const kept = load(bytes, start, length, offset) & ~mask;
  const changed = kept | (BigInt.asUintN(bits, n) << shift);
  window.writeBigUInt64BE(changed >> 8n, 0);
  window[8] = Number(changed & 0xffn);
  return window;
}
