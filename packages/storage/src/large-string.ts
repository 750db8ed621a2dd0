/** A string with a buffer of its own beside the arena, which may have room to grow. Whoever holds it counts its bytes. */
// @hot-path
import { KvError } from '@holdfast/common';

/** Room for more is as much again as there is, up to this. */
const roomBytesMax: number = 1 << 24;

export class LargeString {
  bytes: Buffer;
  length: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.length = bytes.length;
  }

  /** Makes it longer or shorter, old content kept; returns how much more memory it takes. Throws KvError LIMIT. */
  resize(length: number): number {
    const before = this.bytes.length;
    if (length > before) {
      const grown = allocateLarge(Math.max(length, this.length + Math.min(this.length, roomBytesMax)));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.length = length;
    return this.bytes.length - before;
  }
}

/** A buffer of its own. Throws KvError LIMIT, before anything is changed, when the system has no such memory left. */
export function allocateLarge(length: number): Buffer {
  try {
    return Buffer.allocUnsafeSlow(length);
  } catch (cause) {
    throw new KvError('LIMIT', `there is no memory for a string of ${length} bytes`, { cause });
  }
}
