/**
 * Listpacks, as Redis packs small collections and the nodes of lists and streams.
 *
 *     | bytes u32 | elements u16 | element ... | 0xff |       65,535 elements: nobody knows
 *
 *     0nnnnnnn                        7 bits, unsigned           element: head, content, and the length of both
 *     10nnnnnn bytes                  a string                   again, seven bits at a time, for going back
 *     110nnnnn nnnnnnnn               13 bits, signed
 *     1110nnnn nnnnnnnn bytes         a string
 *     0xf0 u32 bytes                  a string
 *     0xf1, 0xf2, 0xf3, 0xf4          16, 24, 32, 64 bits, signed
 */
import { copyBytes, parseBigInteger, parseInteger } from '@holdfast/common';
import { PackedElements } from './packed-elements.js';
import { corrupt } from './rdb-reader.js';

const headBytes = 6;
const endMark = 0xff;
const countUnknown = 0xffff;
/** Longer texts are no integers. */
const integerDigitsMax = 20;

export class ListpackReader extends PackedElements {
  #at = headBytes;
  #count = 0;

  constructor(packed: Buffer) {
    super(packed);
    const { length } = packed;
    if (length <= headBytes || packed.readUInt32LE(0) !== length || packed[length - 1] !== endMark) {
      throw corrupt('the head of a listpack');
    }
  }

  next(): boolean {
    const { packed } = this;
    if (packed[this.#at] === endMark) {
      const announced = packed.readUInt16LE(4);
      const isRight = announced === countUnknown || announced === this.#count;
      if (!isRight || this.#at !== packed.length - 1) throw corrupt('the end of a listpack');
      return false;
    }
    const from = this.#at;
    this.#readElement(from);
    const length = this.#at - from;
    this.#at += backLengthBytes(length);
    // One byte is left at least: the end.
    if (this.#at >= packed.length || readBackLength(packed, this.#at - 1) !== length) {
      throw corrupt('an element of a listpack');
    }
    this.#count++;
    return true;
  }

  /** Reads an element; `#at` is after its content. */
  #readElement(from: number): void {
    const { packed } = this;
    const head = packed[from];
    if (head < 0x80) {
      this.#at = from + 1;
      this.integer(head);
    } else if (head < 0xc0) {
      this.#string(from + 1, head & 0x3f);
    } else if (head < 0xe0) {
      this.#at = from + 2;
      this.integer(((((head & 0x1f) << 8) | packed[from + 1]) << 19) >> 19);
    } else if (head < 0xf0) {
      this.#string(from + 2, ((head & 0x0f) << 8) | packed[from + 1]);
    } else {
      this.#readLarge(from, head);
    }
  }

  #readLarge(from: number, head: number): void {
    const { packed } = this;
    const bytes = largeBytes[head - 0xf0] ?? 0;
    if (bytes === 0 || from + 1 + bytes >= packed.length) throw corrupt('an element of a listpack');
    if (head === 0xf0) {
      this.#string(from + 5, packed.readUInt32LE(from + 1));
      return;
    }
    this.#at = from + 1 + bytes;
    if (head === 0xf4) this.bigInteger(packed.readBigInt64LE(from + 1));
    else this.integer(packed.readIntLE(from + 1, bytes));
  }

  #string(start: number, length: number): void {
    this.slice(start, length);
    this.#at = start + length;
  }
}

/** What follows the heads from 0xf0 on: the length of a string, or an integer. */
const largeBytes = [4, 2, 3, 4, 8];

/** How many bytes the length of an element takes behind it. */
function backLengthBytes(length: number): number {
  if (length <= 127) return 1;
  if (length < 16383) return 2;
  if (length < 2097151) return 3;
  return length < 268435455 ? 4 : 5;
}

/** The length whose last byte is at `at`; -1 when it is none. */
function readBackLength(packed: Uint8Array, at: number): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = packed[at - i];
    length += (byte & 127) * 128 ** i;
    if (byte < 128) return length;
  }
  return -1;
}

/** Builds one listpack after another. */
export class ListpackWriter {
  /** The listpack is `bytes[0, length)` once `end` was called. */
  bytes: Buffer = Buffer.allocUnsafeSlow(1024);
  length = headBytes;
  count = 0;

  begin(): void {
    this.length = headBytes;
    this.count = 0;
  }

  /** Counts an element, and the bytes it would take, without writing it. */
  skip(bytes: Uint8Array, start: number, length: number): void {
    const n = length <= integerDigitsMax ? parseInteger(bytes, start, length) : Number.NaN;
    const content = n === n ? integerBytes(n) : stringHeadBytes(length) + length;
    this.length += content + backLengthBytes(content);
    this.count++;
  }

  /** Adds an element. Integers are packed as such. */
  add(bytes: Uint8Array, start: number, length: number): void {
    const n = length <= integerDigitsMax ? parseInteger(bytes, start, length) : Number.NaN;
    this.#reserve(length + 16);
    const from = this.length;
    if (n !== n) this.#string(bytes, start, length);
    else if (Number.isSafeInteger(n)) this.#integer(n);
    else this.#bigInteger(parseBigInteger(bytes, start, length)!);
    this.#end(from);
  }

  addInteger(n: number): void {
    this.#reserve(16);
    const from = this.length;
    this.#integer(n);
    this.#end(from);
  }

  addBigInteger(n: bigint): void {
    const small = Number(n);
    if (Number.isSafeInteger(small)) return this.addInteger(small);
    this.#reserve(16);
    const from = this.length;
    this.#bigInteger(BigInt.asIntN(64, n));
    this.#end(from);
  }

  end(): void {
    this.#reserve(1);
    this.bytes[this.length++] = endMark;
    this.bytes.writeUInt32LE(this.length, 0);
    this.bytes.writeUInt16LE(Math.min(this.count, countUnknown), 4);
  }

  #string(bytes: Uint8Array, start: number, length: number): void {
    const target = this.bytes;
    if (length < 64) {
      target[this.length++] = 0x80 | length;
    } else if (length < 4096) {
      target[this.length++] = 0xe0 | (length >>> 8);
      target[this.length++] = length & 255;
    } else {
      target[this.length] = 0xf0;
      this.length = target.writeUInt32LE(length, this.length + 1);
    }
    copyBytes(bytes, start, target, this.length, length);
    this.length += length;
  }

  #integer(n: number): void {
    const { bytes } = this;
    const size = integerBytes(n);
    if (size === 1) {
      bytes[this.length++] = n;
    } else if (size === 2) {
      bytes[this.length++] = 0xc0 | ((n >> 8) & 0x1f);
      bytes[this.length++] = n & 255;
    } else if (size < 9) {
      bytes[this.length] = size === 3 ? 0xf1 : size === 4 ? 0xf2 : 0xf3;
      this.length = bytes.writeIntLE(n, this.length + 1, size - 1);
    } else {
      this.#bigInteger(BigInt(n));
    }
  }

  #bigInteger(n: bigint): void {
    this.bytes[this.length] = 0xf4;
    this.length = this.bytes.writeBigInt64LE(n, this.length + 1);
  }

  /** Writes the length of the element that begins at `from` behind it. */
  #end(from: number): void {
    const length = this.length - from;
    const size = backLengthBytes(length);
    for (let i = size - 1; i >= 0; i--) {
      const bits = Math.floor(length / 128 ** i) & 127;
      this.bytes[this.length++] = i === size - 1 ? bits : bits | 128;
    }
    this.count++;
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

function stringHeadBytes(length: number): number {
  if (length < 64) return 1;
  return length < 4096 ? 2 : 5;
}

/** Bytes of an integer and its head. */
function integerBytes(n: number): number {
  if (n >= 0 && n <= 127) return 1;
  if (n >= -4096 && n <= 4095) return 2;
  if (n >= -0x8000 && n <= 0x7fff) return 3;
  if (n >= -0x800000 && n <= 0x7fffff) return 4;
  return n >= -0x80000000 && n <= 0x7fffffff ? 5 : 9;
}
