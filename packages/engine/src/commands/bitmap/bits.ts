/** What the bit commands share: positions of bits, and ranges of them. */
// @hot-path
import { parseInteger, type Request } from '@holdfast/common';
import type { Context } from '../../context.js';
import { notAnInteger, syntaxError } from '../../grammar.js';

export const notAnOffset = 'ERR bit offset is not an integer or out of range';

/** Argument `i` as the position of a bit that a string may have; -1 when it is none. */
export function readOffset({ kv, request }: Context, i: number): number {
  const offset = request.integer(i);
  return isOffset(offset, kv.config.number('proto-max-bulk-len')) ? offset : -1;
}

/** As `readOffset`, in units of so many bits when it begins with `#`. */
export function readFieldOffset(ctx: Context, i: number, bits: number): number {
  const { kv, request } = ctx;
  const start = request.start(i);
  if (request.bytes[start] !== 35 || request.length(i) === 0) return readOffset(ctx, i);
  const offset = parseInteger(request.bytes, start + 1, request.length(i) - 1) * bits;
  return isOffset(offset, kv.config.number('proto-max-bulk-len')) ? offset : -1;
}

function isOffset(n: number, bytesMax: number): boolean {
  return n >= 0 && n < bytesMax * 8;
}

/** The byte that a bit is in. */
export function byteOf(offset: number): number {
  return Math.floor(offset / 8);
}

/** A range of bits of a string, from arguments: positions of bytes or bits, negative ones from the end. */
export class BitRange {
  first = 0;
  /** Before `first` when the range is empty. */
  last = -1;

  /** `start [end [BYTE|BIT]]` from argument `at` on, in a string of `length` bytes. What is wrong, or null. */
  parse(request: Request, at: number, length: number): string | null {
    const count = request.count - at;
    if (count > 3) return syntaxError;
    const start = count > 0 ? request.integer(at) : 0;
    if (start !== start) return notAnInteger;
    const isBits = count > 2 && request.is(at + 2, 'BIT');
    if (count > 2 && !isBits && !request.is(at + 2, 'BYTE')) return syntaxError;
    const end = count > 1 ? request.integer(at + 1) : -1;
    if (end !== end) return notAnInteger;
    const total = isBits ? length * 8 : length;
    const first = Math.max(start < 0 ? start + total : start, 0);
    const last = Math.min(Math.max(end < 0 ? end + total : end, 0), total - 1);
    this.first = isBits ? first : first * 8;
    this.last = isBits ? last : last * 8 + 7;
    return null;
  }

  get isEmpty(): boolean {
    return this.first > this.last;
  }
}

/** For one call at a time. */
export const bitRange = new BitRange();
