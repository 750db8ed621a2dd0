/**
 * Zipmaps, the packed hashes of Redis 2.4 and before. Only read: fields and values in turn.
 *
 *     | count u8 | field length, field, value length, free u8, value, free bytes ... | 0xff |
 *
 * A length is one byte, or 0xfe and u32.
 */
import { PackedElements } from './packed-elements.js';
import { corrupt } from './rdb-reader.js';

const endMark = 0xff;
const longMark = 0xfe;
/** From so many pairs on nobody counts. */
const countUnknown = 0xfe;

export class ZipmapReader extends PackedElements {
  #at = 1;
  #count = 0;
  #isValue = false;

  constructor(packed: Buffer) {
    super(packed);
    if (packed.length < 2 || packed[packed.length - 1] !== endMark) throw corrupt('the head of a zipmap');
  }

  next(): boolean {
    const { packed } = this;
    if (!this.#isValue && packed[this.#at] === endMark) {
      const isRight = packed[0] >= countUnknown || packed[0] === this.#count;
      if (!isRight || this.#at !== packed.length - 1) throw corrupt('the end of a zipmap');
      return false;
    }
    const length = this.#readLength();
    const free = this.#isValue ? packed[this.#at++] : 0;
    this.slice(this.#at, length);
    this.#at += length + free;
    if (this.#at >= packed.length) throw corrupt('an element of a zipmap');
    if (this.#isValue) this.#count++;
    this.#isValue = !this.#isValue;
    return true;
  }

  #readLength(): number {
    const { packed } = this;
    const first = packed[this.#at++];
    if (first < longMark) return first;
    if (first > longMark || this.#at + 4 >= packed.length) throw corrupt('an element of a zipmap');
    this.#at += 4;
    return packed.readUInt32LE(this.#at - 4);
  }
}
