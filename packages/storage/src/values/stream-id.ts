/**
 * The id of a stream's entry: milliseconds and a sequence number, 64 bits each, in that order of weight.
 *
 * Four words of 32 bits, signed as those of the arena: a double holds 53 bits, and a bigint would be allocated.
 */
// @hot-path
import { writeInteger } from '@holdfast/common';
import type { MutationReader, MutationWriter } from '../mutation.js';

const wordSize = 2 ** 32;
/** High words up to here make a number that a double holds exactly. */
const exactHighMax = 2 ** 21 - 1;

/** Most bytes of an id in decimal. */
export const idTextBytesMax = 41;
/** Bytes of an id in binary. */
export const idBytes = 16;

export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;

  set(msHigh: number, msLow: number, seqHigh: number, seqLow: number): this {
    this.msHigh = msHigh | 0;
    this.msLow = msLow | 0;
    this.seqHigh = seqHigh | 0;
    this.seqLow = seqLow | 0;
    return this;
  }

  copy(other: StreamId): this {
    this.msHigh = other.msHigh;
    this.msLow = other.msLow;
    this.seqHigh = other.seqHigh;
    this.seqLow = other.seqLow;
    return this;
  }

  /** The least one. */
  toZero(): this {
    return this.set(0, 0, 0, 0);
  }

  /** The greatest one. */
  toMax(): this {
    return this.set(-1, -1, -1, -1);
  }

  /** The first one of a millisecond. */
  toMs(ms: number): this {
    return this.set(Math.floor(ms / wordSize), ms, 0, 0);
  }

  get isZero(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  get isMax(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  /** Milliseconds: the nearest double. */
  get ms(): number {
    return (this.msHigh >>> 0) * wordSize + (this.msLow >>> 0);
  }

  /** Negative, 0 or positive. */
  compare(other: StreamId): number {
    if (this.msHigh !== other.msHigh) return (this.msHigh >>> 0) - (other.msHigh >>> 0);
    if (this.msLow !== other.msLow) return (this.msLow >>> 0) - (other.msLow >>> 0);
    if (this.seqHigh !== other.seqHigh) return (this.seqHigh >>> 0) - (other.seqHigh >>> 0);
    return (this.seqLow >>> 0) - (other.seqLow >>> 0);
  }

  /** Becomes the next one; false, and nothing is changed, when there is none. */
  increment(): boolean {
    if (this.isMax) return false;
    this.seqLow = (this.seqLow + 1) | 0;
    if (this.seqLow !== 0) return true;
    this.seqHigh = (this.seqHigh + 1) | 0;
    if (this.seqHigh !== 0) return true;
    this.msLow = (this.msLow + 1) | 0;
    if (this.msLow === 0) this.msHigh = (this.msHigh + 1) | 0;
    return true;
  }

  /** Becomes the one before; false, and nothing is changed, when there is none. */
  decrement(): boolean {
    if (this.isZero) return false;
    this.seqLow = (this.seqLow - 1) | 0;
    if (this.seqLow !== -1) return true;
    this.seqHigh = (this.seqHigh - 1) | 0;
    if (this.seqHigh !== -1) return true;
    this.msLow = (this.msLow - 1) | 0;
    if (this.msLow === -1) this.msHigh = (this.msHigh - 1) | 0;
    return true;
  }

  /** From four words of the arena. */
  readWords(words: Int32Array, at: number): this {
    this.msHigh = words[at];
    this.msLow = words[at + 1];
    this.seqHigh = words[at + 2];
    this.seqLow = words[at + 3];
    return this;
  }

  writeWords(words: Int32Array, at: number): void {
    words[at] = this.msHigh;
    words[at + 1] = this.msLow;
    words[at + 2] = this.seqHigh;
    words[at + 3] = this.seqLow;
  }

  /** From a mutation: its next four words. */
  readFrom(reader: MutationReader): this {
    const msHigh = reader.uint32();
    const msLow = reader.uint32();
    const seqHigh = reader.uint32();
    return this.set(msHigh, msLow, seqHigh, reader.uint32());
  }

  writeTo(writer: MutationWriter): void {
    writer.uint32(this.msHigh);
    writer.uint32(this.msLow);
    writer.uint32(this.seqHigh);
    writer.uint32(this.seqLow);
  }

  /** From 16 bytes that sort as the ids do. */
  readBytes(bytes: Uint8Array, at: number): this {
    return this.set(
      readWord(bytes, at),
      readWord(bytes, at + 4),
      readWord(bytes, at + 8),
      readWord(bytes, at + 12),
    );
  }

  writeBytes(bytes: Uint8Array, at: number): void {
    writeWord(bytes, at, this.msHigh);
    writeWord(bytes, at + 4, this.msLow);
    writeWord(bytes, at + 8, this.seqHigh);
    writeWord(bytes, at + 12, this.seqLow);
  }

  /** Writes `ms-seq` at `target[at]`, which needs `idTextBytesMax` bytes; returns the position after it. */
  writeText(target: Uint8Array, at: number): number {
    const end = writeHalf(target, at, this.msHigh, this.msLow);
    target[end] = 45;
    return writeHalf(target, end + 1, this.seqHigh, this.seqLow);
  }

  toString(): string {
    const text = new Uint8Array(idTextBytesMax);
    return String.fromCharCode(...text.subarray(0, this.writeText(text, 0)));
  }
}

/** The order of the id in the arena at `words[at]` and of another. */
export function compareWords(words: Int32Array, at: number, id: StreamId): number {
  if (words[at] !== id.msHigh) return (words[at] >>> 0) - (id.msHigh >>> 0);
  if (words[at + 1] !== id.msLow) return (words[at + 1] >>> 0) - (id.msLow >>> 0);
  if (words[at + 2] !== id.seqHigh) return (words[at + 2] >>> 0) - (id.seqHigh >>> 0);
  return (words[at + 3] >>> 0) - (id.seqLow >>> 0);
}

/** Writes 64 bits in decimal. */
function writeHalf(target: Uint8Array, at: number, high: number, low: number): number {
  const unsignedHigh = high >>> 0;
  if (unsignedHigh <= exactHighMax) {
    return writeInteger(target, at, unsignedHigh * wordSize + (low >>> 0));
  }
  const digits = ((BigInt(unsignedHigh) << 32n) | BigInt(low >>> 0)).toString();
  for (let i = 0; i < digits.length; i++) target[at + i] = digits.charCodeAt(i);
  return at + digits.length;
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}
