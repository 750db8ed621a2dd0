/**
 * Output buffers that connections share, of two sizes, and twice the larger one, which is what a reply grows to that
 * needs more; others are made for one use.
 *
 * Most connections send a few bytes at a time, and hundreds of them may wait with that for one commit: the small
 * buffers are pieces of slabs, so that what those wait with lies side by side, and there are enough for all.
 * 500 connections that each waited with a large one took 1.5 us more a command, most of it for making new ones.
 *
 * Subscribers get what a whole turn of others published, 25 KB of 100 B messages: 50 of them took 50 new buffers each
 * time, whose pages the kernel had to clear.
 */
// @hot-path

const smallBytes = 512;
const slabBytes = 64 * 1024;
/** Kept for others, of each size: 4 MiB. */
const smallMax = 8192;
const largeMax = 256;
const grownMax = 128;

export class BufferPool {
  /** Stands for "no buffer". */
  readonly none: Buffer = Buffer.allocUnsafeSlow(0);
  readonly #small: Buffer[] = [];
  readonly #large: Buffer[] = [];
  readonly #grown: Buffer[] = [];
  readonly #largeBytes: number;
  readonly #grownBytes: number;

  constructor(largeBytes: number = 16 * 1024) {
    this.#largeBytes = largeBytes;
    this.#grownBytes = 2 * largeBytes;
  }

  /** A buffer of at least `length` bytes; its content is undefined. */
  take(length: number): Buffer {
    if (length <= smallBytes) return this.#small.pop() ?? this.#carve();
    if (length <= this.#largeBytes) return this.#large.pop() ?? Buffer.allocUnsafeSlow(this.#largeBytes);
    if (length !== this.#grownBytes) return Buffer.allocUnsafeSlow(length);
    return this.#grown.pop() ?? Buffer.allocUnsafeSlow(length);
  }

  give(buffer: Buffer): void {
    if (buffer.length === smallBytes) {
      if (this.#small.length < smallMax) this.#small.push(buffer);
    } else if (buffer.length === this.#largeBytes) {
      if (this.#large.length < largeMax) this.#large.push(buffer);
    } else if (buffer.length === this.#grownBytes && this.#grown.length < grownMax) {
      this.#grown.push(buffer);
    }
  }

  /** Cuts a slab in pieces, and hands one out. */
  #carve(): Buffer {
    const slab = Buffer.allocUnsafeSlow(slabBytes);
    for (let at = smallBytes; at < slabBytes; at += smallBytes)
      this.#small.push(slab.subarray(at, at + smallBytes));
    return slab.subarray(0, smallBytes);
  }
}
