/** Writes the parts of which RDB files and DUMP payloads are made: lengths, strings, numbers. */
// @hot-path
import { copyBytes, parseInteger } from '@holdfast/common';
import { compress } from './lzf.js';
import { specialStrings } from './rdb-types.js';

const int64Max = 2n ** 63n - 1n;
/** No integer that is written as such has more digits. */
const integerDigitsMax = 11;
/** Shorter strings can't be compressed. */
const compressedMin = 21;

export class RdbWriter {
  /** What was written so far is `bytes[0, length)`. */
  bytes: Buffer;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  byte(n: number): void {
    this.reserve(1);
    this.bytes[this.length++] = n;
  }

  /** A length: 6, 14 or 32 bits with its size in the first two, or 64. Up to 2^53. */
  size(n: number): void {
    this.reserve(9);
    const { bytes } = this;
    if (n < 0x40) {
      bytes[this.length++] = n;
    } else if (n < 0x4000) {
      bytes[this.length++] = 0x40 | (n >>> 8);
      bytes[this.length++] = n & 255;
    } else if (n < 0x100000000) {
      bytes[this.length] = 0x80;
      this.length = bytes.writeUInt32BE(n, this.length + 1);
    } else {
      this.bigSize(BigInt(n));
    }
  }

  /** As `size`, up to 2^64. */
  bigSize(n: bigint): void {
    if (n < 0x100000000n) {
      this.size(Number(n));
      return;
    }
    this.reserve(9);
    this.bytes[this.length] = 0x81;
    this.length = this.bytes.writeBigUInt64BE(n, this.length + 1);
  }

  /** A string: as an integer if it is one of at most 32 bits, compressed if that makes it shorter. */
  string(source: Uint8Array, start: number, length: number): void {
    if (length <= integerDigitsMax) {
      const n = parseInteger(source, start, length);
      if (n >= -0x80000000 && n <= 0x7fffffff) {
        this.#integer(n);
        return;
      }
    }
    if (length >= compressedMin && this.#compressed(source, start, length)) return;
    this.size(length);
    this.raw(source, start, length);
  }

  /** Bytes as they are. */
  raw(source: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    copyBytes(source, start, this.bytes, this.length, length);
    this.length += length;
  }

  /** 64 bits, little-endian: a double. */
  double(n: number): void {
    this.reserve(8);
    this.length = this.bytes.writeDoubleLE(n, this.length);
  }

  /**
   * 64 bits, little-endian: a point in time, or any other whole number that is exact. Of the last numbers of 64 bits the
   * nearest double is 2^63, which has no place there.
   */
  milliseconds(n: number): void {
    this.reserve(8);
    const whole = BigInt(n);
    this.length = this.bytes.writeBigInt64LE(whole > int64Max ? int64Max : whole, this.length);
  }

  /** Makes room for so many bytes more. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  #integer(n: number): void {
    this.reserve(5);
    const { bytes } = this;
    if (n >= -0x80 && n <= 0x7f) {
      bytes[this.length++] = specialStrings.int8;
      this.length = bytes.writeInt8(n, this.length);
    } else if (n >= -0x8000 && n <= 0x7fff) {
      bytes[this.length++] = specialStrings.int16;
      this.length = bytes.writeInt16LE(n, this.length);
    } else {
      bytes[this.length++] = specialStrings.int32;
      this.length = bytes.writeInt32LE(n, this.length);
    }
  }

  #compressed(source: Uint8Array, start: number, length: number): boolean {
    if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(length * 2);
    // At least four bytes must be saved for it to be worth the while.
    const written = compress(source, start, length, scratch, length - 4);
    if (written === 0) return false;
    this.byte(specialStrings.compressed);
    this.size(written);
    this.size(length);
    this.raw(scratch, 0, written);
    if (scratch.length > scratchBytesMax) scratch = Buffer.allocUnsafeSlow(0);
    return true;
  }
}

/** Larger scratch space is not kept. */
const scratchBytesMax = 1 << 20;
let scratch = Buffer.allocUnsafeSlow(0);
