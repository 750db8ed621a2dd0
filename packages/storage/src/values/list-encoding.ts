/**
 * Which encoding Redis 7.2 would report for a list: `listpack` while all of it would fit one listpack of
 * the size that `list-max-listpack-size` allows, `quicklist` from then on, until it has shrunk to half of
 * that. Nothing is stored this way here: sizes are worked out as if.
 */
// @hot-path
import { parseInteger } from '@holdfast/common';
import { encodingLimits } from './encoding-limits.js';

/** A listpack without elements: its head and its end mark. */
export const listpackHeadBytes = 7;
/** Limit in bytes where the parameter limits the number of elements. */
const safetyBytesMax = 8192;

/** Bytes that an element would take in a listpack: integers are stored as such. */
export function listpackBytes(bytes: Uint8Array, start: number, length: number): number {
  if (length <= 20) {
    const first = bytes[start];
    if (length > 0 && ((first >= 48 && first <= 57) || first === 45)) {
      const n = parseInteger(bytes, start, length);
      if (!Number.isNaN(n)) return listpackIntegerBytes(n);
    }
    return length + 2;
  }
  if (length < 64) return length + 2;
  const entry = length < 4096 ? length + 2 : length + 5;
  return entry + backLengthBytes(entry);
}

/** Bytes that an integer takes in a listpack: encoding byte, payload, and the length behind it. */
export function listpackIntegerBytes(n: number): number {
  if (n >= 0 && n <= 127) return 2;
  if (n >= -4096 && n <= 4095) return 3;
  if (n >= -32768 && n <= 32767) return 4;
  if (n >= -8388608 && n <= 8388607) return 5;
  if (n >= -2147483648 && n <= 2147483647) return 6;
  return 10;
}

function backLengthBytes(entry: number): number {
  if (entry <= 127) return 1;
  if (entry < 16383) return 2;
  if (entry < 2097151) return 3;
  return entry < 268435455 ? 4 : 5;
}

/** Whether a listpack of so many bytes and elements is too large to be one. */
export function exceedsListpack(bytes: number, count: number): boolean {
  const limit = encodingLimits.listListpackSize;
  if (limit < 0) return bytes > bytesLimit(limit);
  return bytes > safetyBytesMax || count > Math.max(limit, 1);
}

/** Whether a quicklist has shrunk enough to be a listpack again. */
export function fitsListpackAgain(bytes: number, count: number): boolean {
  const limit = encodingLimits.listListpackSize;
  if (limit < 0) return bytes <= bytesLimit(limit) / 2;
  return count <= Math.max(limit, 1) >>> 1;
}

/** 4 KiB for -1, doubling up to 64 KiB for -5 and below. */
function bytesLimit(limit: number): number {
  return 2048 << Math.min(-limit, 5);
}
