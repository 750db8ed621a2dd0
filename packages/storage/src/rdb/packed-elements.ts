/**
 * The elements of a collection that Redis has packed into one string: a listpack, or one of the forms before it.
 * They are read one by one and checked meanwhile: what is wrong is KvError CORRUPT, at the element or at the end.
 */
import { writeInteger } from '@holdfast/common';
import { corrupt } from './rdb-reader.js';

export abstract class PackedElements {
  /** The element that `next` came to is `bytes[start, start + length)`. */
  bytes: Uint8Array;
  start = 0;
  length = 0;
  protected readonly packed: Buffer;
  readonly #digits = Buffer.alloc(24);

  constructor(packed: Buffer) {
    this.packed = packed;
    this.bytes = packed;
  }

  /** Comes to the next element; false after the last. */
  abstract next(): boolean;

  /** Comes to the element that must follow. */
  nextOfPair(): void {
    if (!this.next()) throw corrupt('half of a pair');
  }

  /** The element is `length` bytes of the packed ones; they must be there. */
  protected slice(start: number, length: number): void {
    if (start + length > this.packed.length) throw corrupt('an element reaches beyond the end');
    this.bytes = this.packed;
    this.start = start;
    this.length = length;
  }

  /** The element is a number. */
  protected integer(n: number): void {
    this.bytes = this.#digits;
    this.start = 0;
    this.length = writeInteger(this.#digits, 0, n);
  }

  protected bigInteger(n: bigint): void {
    this.bytes = this.#digits;
    this.start = 0;
    this.length = this.#digits.write(n.toString(), 'latin1');
  }
}
