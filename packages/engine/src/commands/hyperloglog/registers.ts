/**
 * The layout of a HyperLogLog: a string, as in Redis, that GET, SET and DUMP carry between servers.
 *
 *     | H Y L L | encoding u8 | 0 0 0 | cardinality u64 | registers ... |
 *
 * 16,384 registers of 6 bits. `dense`: one after another, the lowest bits first. `sparse`: runs, see sparse.ts.
 * The cardinality is the last one that was computed; its highest bit says that it is out of date.
 */
// @hot-path
import { hash, hashElement } from './murmur-hash.js';

export const encodings = { dense: 0, sparse: 1 } as const;

export const registerCount = 16384;
/** The most that a register can be: 50 bits of the hash are left for runs of zeros. */
export const registerMax = 51;
export const headBytes = 16;
export const denseBytes: number = headBytes + (registerCount * 6) / 8;
/** Where the encoding is, the cardinality begins, and its highest byte lies. */
export const encodingAt = 4;
export const cardinalityAt = 8;
export const staleAt = 15;
export const staleBit = 0x80;

const magic = Buffer.from('HYLL');
const indexBits = 14;
/** What of the low half of a hash is left beside the index. */
const lowBits = 32 - indexBits;

/** Whether a string is a HyperLogLog, as far as its head and its length say. */
export function isSketch(bytes: Uint8Array, start: number, length: number): boolean {
  if (length < headBytes) return false;
  for (let i = 0; i < magic.length; i++) if (bytes[start + i] !== magic[i]) return false;
  const encoding = bytes[start + encodingAt];
  return encoding === encodings.sparse || (encoding === encodings.dense && length === denseBytes);
}

/** Writes the head of a HyperLogLog that has no elements. */
export function writeHead(bytes: Uint8Array, encoding: number): void {
  bytes.fill(0, 0, headBytes);
  bytes.set(magic);
  bytes[encodingAt] = encoding;
}

/** An element: its register, and what that must be at least. */
export const place = { register: 0, count: 0 };

/** Finds the `place` of `bytes[start, start + length)`. */
export function locate(bytes: Uint8Array, start: number, length: number): void {
  hashElement(bytes, start, length);
  place.register = hash.low & (registerCount - 1);
  const rest = hash.low >>> indexBits;
  if (rest !== 0) place.count = trailingZeros(rest) + 1;
  else place.count = hash.high === 0 ? registerMax : lowBits + trailingZeros(hash.high) + 1;
}

function trailingZeros(n: number): number {
  return 31 - Math.clz32(n & -n);
}

/** A dense register; `start` is where the head begins. */
export function denseRegister(bytes: Uint8Array, start: number, register: number): number {
  const bit = register * 6;
  const at = start + headBytes + (bit >>> 3);
  const shift = bit & 7;
  const low = bytes[at] >>> shift;
  return shift <= 2 ? low & 63 : (low | (bytes[at + 1] << (8 - shift))) & 63;
}

/** Sets a dense register of a HyperLogLog at the start of `bytes`. */
export function setDenseRegister(bytes: Uint8Array, register: number, count: number): void {
  const bit = register * 6;
  const at = headBytes + (bit >>> 3);
  const shift = bit & 7;
  bytes[at] = (bytes[at] & ~(63 << shift)) | (count << shift);
  if (shift > 2) bytes[at + 1] = (bytes[at + 1] & ~(63 >>> (8 - shift))) | (count >>> (8 - shift));
}
