/**
 * Reads the parts of which RDB files and DUMP payloads are made. Nothing is believed: what does not fit into the
 * bytes that are there is KvError CORRUPT, and no memory is taken for what is only announced.
 */
import { KvError, valueBytesMax } from '@holdfast/common';
import { decompress, isPlausible } from './lzf.js';
import { specialStrings } from './rdb-types.js';

export function corrupt(what: string): KvError {
  return new KvError('CORRUPT', `damaged RDB data: ${what}`);
}

/** There are fewer bytes than were announced: damage, unless more are to come. */
export class CutShort extends KvError {
  constructor() {
    super('CORRUPT', 'damaged RDB data: it is cut short');
  }
}

export class RdbReader {
  readonly bytes: Buffer;
  /** Where the next part begins. */
  at: number;
  /** Nothing is read beyond. */
  readonly end: number;
  /** The string that `string` read last is `text[textStart, textStart + textLength)`. */
  text: Uint8Array;
  textStart = 0;
  textLength = 0;

  /** Reads `bytes[start, end)`. */
  constructor(bytes: Buffer, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.text = bytes;
  }

  byte(): number {
    this.#need(1);
    return this.bytes[this.at++];
  }

  /** A length; beyond 2^53 the nearest double. */
  size(): number {
    const first = this.byte();
    switch (first >>> 6) {
      case 0:
        return first;
      case 1:
        return ((first & 0x3f) << 8) | this.byte();
      default:
        return Number(this.#largeSize(first));
    }
  }

  /** As `size`, exact. */
  bigSize(): bigint {
    const first = this.bytes[this.at];
    return first >>> 6 < 2 ? BigInt(this.size()) : this.#largeSize(this.byte());
  }

  /** A length of things that take a byte each at least: as many must be left. */
  count(): number {
    const n = this.size();
    if (n > this.end - this.at) throw corrupt('more is announced than there is');
    return n;
  }

  /** Reads a string: see `text`. A view, where it lies as it is, valid until the next string otherwise. */
  string(): void {
    this.#need(1);
    const first = this.bytes[this.at];
    if (first < 0xc0) {
      const length = this.size();
      this.#need(length);
      this.#found(this.bytes, this.at, length);
      this.at += length;
      return;
    }
    this.at++;
    if (first === specialStrings.compressed) this.#compressed();
    else this.#integer(first);
  }

  /** Passes over a string. */
  skipString(): void {
    this.#need(1);
    const first = this.bytes[this.at];
    let length: number;
    if (first < 0xc0) {
      length = this.size();
    } else {
      this.at++;
      if (first === specialStrings.compressed) {
        length = this.size();
        this.size();
      } else {
        length = integerBytes(first);
      }
    }
    if (length > valueBytesMax)
      throw new KvError('LIMIT', `a string of ${length} bytes: ${valueBytesMax} at most`);
    this.skip(length);
  }

  /** The string that comes next, as a copy. */
  ownString(): Buffer {
    this.string();
    return Buffer.from(this.text.subarray(this.textStart, this.textStart + this.textLength));
  }

  /** A double of 64 bits. */
  double(): number {
    this.#need(8);
    this.at += 8;
    return this.bytes.readDoubleLE(this.at - 8);
  }

  /** A double as old formats have it: in digits, with their number before. */
  doubleInDigits(): number {
    const length = this.byte();
    if (length === 253) return Number.NaN;
    if (length === 254) return Number.POSITIVE_INFINITY;
    if (length === 255) return Number.NEGATIVE_INFINITY;
    this.#need(length);
    const digits = this.bytes.toString('latin1', this.at, this.at + length);
    this.at += length;
    return digits.trim() === '' ? Number.NaN : Number(digits);
  }

  /** A whole number of 64 bits; beyond 2^53 the nearest double. */
  milliseconds(): number {
    this.#need(8);
    this.at += 8;
    return Number(this.bytes.readBigInt64LE(this.at - 8));
  }

  /** The next `length` bytes, which are passed over; where they begin. */
  skip(length: number): number {
    this.#need(length);
    this.at += length;
    return this.at - length;
  }

  #largeSize(first: number): bigint {
    if (first === 0x80) return BigInt(this.bytes.readUInt32BE(this.skip(4)));
    if (first === 0x81) return this.bytes.readBigUInt64BE(this.skip(8));
    throw corrupt('an unknown length');
  }

  #integer(first: number): void {
    const length = integerBytes(first);
    const n = this.bytes.readIntLE(this.skip(length), length);
    const digits = Buffer.from(String(n), 'latin1');
    this.#found(digits, 0, digits.length);
  }

  #compressed(): void {
    const compressedLength = this.size();
    const length = this.size();
    const start = this.skip(compressedLength);
    if (length > valueBytesMax || !isPlausible(compressedLength, length)) {
      throw corrupt('a compressed string of impossible length');
    }
    const text = Buffer.allocUnsafeSlow(length);
    if (!decompress(this.bytes, start, this.at, text)) throw corrupt('a compressed string');
    this.#found(text, 0, length);
  }

  #found(text: Uint8Array, start: number, length: number): void {
    this.text = text;
    this.textStart = start;
    this.textLength = length;
  }

  #need(length: number): void {
    if (this.at + length > this.end) throw new CutShort();
  }
}

/** How many bytes the integer has that stands for a string. */
function integerBytes(first: number): number {
  if (first === specialStrings.int8) return 1;
  if (first === specialStrings.int16) return 2;
  if (first === specialStrings.int32) return 4;
  throw corrupt('an unknown encoding of a string');
}
