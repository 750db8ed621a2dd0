/**
 * Intsets: integers in ascending order, all of 2, 4 or 8 bytes.
 *
 *     | bytes of each u32 | count u32 | integer ... |        little-endian
 */
import { parseBigInteger } from '@holdfast/common';
import { PackedElements } from './packed-elements.js';
import { corrupt } from './rdb-reader.js';

const headBytes = 8;

export class IntsetReader extends PackedElements {
  readonly #width: number;
  #at = headBytes;
  #last: bigint | number = Number.NEGATIVE_INFINITY;

  constructor(packed: Buffer) {
    super(packed);
    if (packed.length < headBytes) throw corrupt('the head of an intset');
    this.#width = packed.readUInt32LE(0);
    const count = packed.readUInt32LE(4);
    const isWidth = this.#width === 2 || this.#width === 4 || this.#width === 8;
    if (!isWidth || packed.length !== headBytes + count * this.#width) throw corrupt('the head of an intset');
  }

  next(): boolean {
    const { packed } = this;
    const width = this.#width;
    if (this.#at === packed.length) return false;
    const n = width === 8 ? packed.readBigInt64LE(this.#at) : packed.readIntLE(this.#at, width);
    if (n <= this.#last) throw corrupt('the order of an intset');
    this.#last = n;
    this.#at += width;
    if (typeof n === 'bigint') this.bigInteger(n);
    else this.integer(n);
    return true;
  }
}

/** Texts of integers, in ascending order, as an intset. */
export function writeIntset(texts: readonly Uint8Array[]): Buffer {
  const integers = texts.map((text) => parseBigInteger(text, 0, text.length)!);
  const fits = (bits: number): boolean => integers.every((n) => BigInt.asIntN(bits, n) === n);
  const width = fits(16) ? 2 : fits(32) ? 4 : 8;
  const packed = Buffer.allocUnsafeSlow(headBytes + integers.length * width);
  packed.writeUInt32LE(width, 0);
  packed.writeUInt32LE(integers.length, 4);
  integers.forEach((n, i) => {
    const at = headBytes + i * width;
    if (width === 8) packed.writeBigInt64LE(n, at);
    else packed.writeIntLE(Number(n), at, width);
  });
  return packed;
}
