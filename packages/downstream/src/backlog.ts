/**
 * The last bytes of a history, for those whose link broke: a ring.
 *
 *     bytes    | newest ......|oldest ................ |
 *                             ^ #at: where the next byte goes, once it is full
 */

export class Backlog {
  /** How many bytes the history had so far, those that are gone too. */
  end: number;
  /** How many of them are here. */
  length = 0;
  #bytes: Buffer;
  #at = 0;

  constructor(capacity: number, end: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
    this.end = end;
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  /** Adds `source[0, length)`. */
  append(source: Uint8Array, length: number): void {
    const { capacity } = this;
    this.end += length;
    this.length = Math.min(capacity, this.length + length);
    // Of more than fits only the end stays.
    for (let from = Math.max(0, length - capacity); from < length; ) {
      const count = Math.min(length - from, capacity - this.#at);
      this.#bytes.set(source.subarray(from, from + count), this.#at);
      this.#at = (this.#at + count) % capacity;
      from += count;
    }
  }

  /** Whether all that came after the first `offset` bytes is here. */
  reaches(offset: number): boolean {
    return offset >= this.end - this.length && offset <= this.end;
  }

  /** What came after the first `offset` bytes, which it reaches. A copy. */
  since(offset: number): Buffer {
    const count = this.end - offset;
    const start = (this.#at - count + this.capacity) % this.capacity;
    const first = this.#bytes.subarray(start, Math.min(start + count, this.capacity));
    return Buffer.concat([first, this.#bytes.subarray(0, count - first.length)]);
  }

  /** Keeps more from now on, or less. */
  resize(capacity: number): void {
    const kept = this.since(this.end - Math.min(this.length, capacity));
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
    this.#bytes.set(kept);
    this.length = kept.length;
    this.#at = kept.length % capacity;
  }
}
