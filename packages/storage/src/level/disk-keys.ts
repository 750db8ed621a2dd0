/**
 * Keys on the disk. All numbers are big-endian, so that bytes sort as numbers do.
 *
 *     m name                                                      format, state
 *     d generation u32 | slot u16 | hash u32 | key                head of a key: `disk-records.ts`
 *     e incarnation u64 | element                                 element of a collection, piece of a large string
 *     x expiry u64 | generation u32 | slot u16 | hash u32 | key   that the key expires then
 *     o incarnation u64                                           elements of no key any more: to be cleared
 *     g generation u32                                            heads of no database any more: to be cleared
 *
 * A generation is the content of one database from one FLUSHDB to the next, an incarnation that of one
 * collection or large string: removing either is a few bytes, whatever its size. Slot and hash are a key's position: a
 * cluster's slot is a range, and so is the next page of a SCAN.
 */
// @hot-path
import { copyBytes, hashSlotOf } from '@holdfast/common';
import { hashBytes } from '../hash-bytes.js';

export const prefixes = {
  head: 0x64,
  element: 0x65,
  generation: 0x67,
  meta: 0x6d,
  orphan: 0x6f,
  expiry: 0x78,
} as const;

export const headKeyOverhead = 11;
export const elementKeyOverhead = 9;
export const expiryKeyOverhead = 19;

/** Positions are below this. */
export const positionsEnd: number = 2 ** 46;
/** Those of one slot are a multiple of this, and what is below the next. */
export const positionsPerSlot: number = 2 ** 32;

export function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

/** A non-negative integer; beyond 2^53 as exact as the number is. */
export function writeUint64(target: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x100000000);
  writeUint32(target, at, high >>> 0);
  writeUint32(target, at + 4, (value - high * 0x100000000) >>> 0);
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

export function readUint64(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) * 0x100000000 + readUint32(bytes, at + 4);
}

/** Writes the head key of a key at `target[0]`; returns its length. */
export function writeHeadKey(
  target: Uint8Array,
  generation: number,
  seed: number,
  key: Uint8Array,
  start: number,
  length: number,
): number {
  target[0] = prefixes.head;
  return writePlace(target, 1, generation, seed, key, start, length);
}

/** Writes the expiry key of a key at `target[0]`; returns its length. */
export function writeExpiryKey(
  target: Uint8Array,
  expiryMs: number,
  generation: number,
  seed: number,
  key: Uint8Array,
  start: number,
  length: number,
): number {
  target[0] = prefixes.expiry;
  writeUint64(target, 1, expiryMs);
  return writePlace(target, 9, generation, seed, key, start, length);
}

function writePlace(
  target: Uint8Array,
  at: number,
  generation: number,
  seed: number,
  key: Uint8Array,
  start: number,
  length: number,
): number {
  const slot = hashSlotOf(key, start, length);
  writeUint32(target, at, generation);
  target[at + 4] = slot >>> 8;
  target[at + 5] = slot;
  writeUint32(target, at + 6, hashBytes(key, start, length, seed));
  copyBytes(key, start, target, at + 10, length);
  return at + 10 + length;
}

/** Writes the key of an element at `target[0]`; returns its length. */
export function writeElementKey(
  target: Uint8Array,
  incarnation: number,
  element: Uint8Array,
  start: number,
  length: number,
): number {
  target[0] = prefixes.element;
  writeUint64(target, 1, incarnation);
  copyBytes(element, start, target, elementKeyOverhead, length);
  return elementKeyOverhead + length;
}

/** The expiry key of a key, from its head key. */
export function expiryKeyOf(headKey: Uint8Array, expiryMs: number): Buffer {
  const key = Buffer.allocUnsafe(expiryKeyOverhead - headKeyOverhead + headKey.length);
  key[0] = prefixes.expiry;
  writeUint64(key, 1, expiryMs);
  key.set(headKey.subarray(1), 9);
  return key;
}

/** The head key of a key, from its expiry key. */
export function headKeyOf(expiryKey: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(headKeyOverhead - expiryKeyOverhead + expiryKey.length);
  key[0] = prefixes.head;
  key.set(expiryKey.subarray(9), 1);
  return key;
}

/** Slot and hash as one number below 2^46, from a head key at `bytes[at]`. */
export function positionOf(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 5] << 8) | bytes[at + 6]) * 0x100000000 + readUint32(bytes, at + 7);
}

/** The hash of the key in a head key: the one that its database has for it. */
export function hashOf(headKey: Uint8Array): number {
  return readUint32(headKey, 7);
}

/** The smallest head key of a generation at or after a position. */
export function headKeyAt(generation: number, position: number): Buffer {
  if (position >= positionsEnd) return numberKey32(prefixes.head, generation + 1);
  const key = Buffer.allocUnsafe(headKeyOverhead);
  key[0] = prefixes.head;
  writeUint32(key, 1, generation);
  const slot = Math.floor(position / 0x100000000);
  key[5] = slot >>> 8;
  key[6] = slot;
  writeUint32(key, 7, position - slot * 0x100000000);
  return key;
}

/** `prefix` and a u32: the key of a generation, or where its heads begin. */
export function numberKey32(prefix: number, value: number): Buffer {
  const key = Buffer.allocUnsafe(5);
  key[0] = prefix;
  writeUint32(key, 1, value);
  return key;
}

/** `prefix` and a u64: the key of an orphan, where an incarnation's elements or the expiries of a time begin. */
export function numberKey64(prefix: number, value: number): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = prefix;
  writeUint64(key, 1, value);
  return key;
}

/** All keys with a prefix are at or after this one, and before that of `prefix + 1`. */
export function prefixKey(prefix: number): Buffer {
  return Buffer.from([prefix]);
}

export function metaKey(name: string): Buffer {
  return Buffer.from(`m${name}`, 'latin1');
}
