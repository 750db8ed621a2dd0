/**
 * Ziplists, the listpacks of Redis before 7.0. Only read.
 *
 *     | bytes u32 | last element u32 | elements u16 | element ... | 0xff |
 *
 * An element: the length of the one before (one byte, or 0xfe and u32), its head, its content.
 *
 *     00nnnnnn bytes              a string        11000000, 11010000, 11100000    16, 32, 64 bits, signed
 *     01nnnnnn nnnnnnnn bytes     a string        11110000, 11111110              24, 8 bits, signed
 *     10...... u32 (big-endian)   a string        1111nnnn                        n - 1, from 0 to 12
 */
import { PackedElements } from './packed-elements.js';
import { corrupt } from './rdb-reader.js';

const headBytes = 10;
const endMark = 0xff;
const longMark = 0xfe;
const countUnknown = 0xffff;

/** How many bytes the integer behind a head has. */
const integerBytes: Readonly<Record<number, number>> = { 192: 2, 208: 4, 224: 8, 240: 3, 254: 1 };

export class ZiplistReader extends PackedElements {
  #at = headBytes;
  #last = 0;
  #count = 0;

  constructor(packed: Buffer) {
    super(packed);
    const { length } = packed;
    if (length <= headBytes || packed.readUInt32LE(0) !== length || packed[length - 1] !== endMark) {
      throw corrupt('the head of a ziplist');
    }
  }

  next(): boolean {
    const { packed } = this;
    const from = this.#at;
    if (packed[from] === endMark) {
      this.#checkEnd();
      return false;
    }
    const isLong = packed[from] === longMark;
    const headAt = from + (isLong ? 5 : 1);
    // A head of five bytes, and the end mark, would still have to follow.
    if (headAt >= packed.length) throw corrupt('an element of a ziplist');
    const before = isLong ? packed.readUInt32LE(from + 1) : packed[from];
    if (before !== (this.#count === 0 ? 0 : from - this.#last)) throw corrupt('the links of a ziplist');
    this.#readElement(headAt);
    if (this.#at >= packed.length) throw corrupt('an element of a ziplist');
    this.#last = from;
    this.#count++;
    return true;
  }

  #checkEnd(): void {
    const { packed } = this;
    const announced = packed.readUInt16LE(8);
    const isRight = announced === countUnknown || announced === this.#count;
    const isLast = this.#count === 0 || packed.readUInt32LE(4) === this.#last;
    if (!isRight || !isLast || this.#at !== packed.length - 1) throw corrupt('the end of a ziplist');
  }

  #readElement(at: number): void {
    const { packed } = this;
    const head = packed[at];
    if (head < 0x40) return this.#string(at + 1, head);
    if (head < 0x80) return this.#string(at + 2, ((head & 0x3f) << 8) | packed[at + 1]);
    if (head < 0xc0) {
      if (head !== 0x80 || at + 5 > packed.length) throw corrupt('an element of a ziplist');
      return this.#string(at + 5, packed.readUInt32BE(at + 1));
    }
    const bytes = integerBytes[head];
    if (bytes === undefined) {
      if (head < 0xf1 || head > 0xfd) throw corrupt('an element of a ziplist');
      this.#at = at + 1;
      this.integer((head & 0x0f) - 1);
      return;
    }
    this.#at = at + 1 + bytes;
    if (this.#at >= packed.length) throw corrupt('an element of a ziplist');
    if (bytes === 8) this.bigInteger(packed.readBigInt64LE(at + 1));
    else this.integer(packed.readIntLE(at + 1, bytes));
  }

  #string(start: number, length: number): void {
    this.slice(start, length);
    this.#at = start + length;
  }
}
