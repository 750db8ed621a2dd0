/**
 * Reads frames of one segment file through a window that moves forward. It judges single frames only;
 * what a bad one means is decided by who asks.
 */
import { checksum } from '@holdfast/common';
import type { DiskFile } from './disk.js';
import { FrameHead, frameHeadBytes } from './frame.js';
import { readBytes } from './limits.js';

export class FrameReader {
  /** The head that was last read. */
  readonly head = new FrameHead();
  readonly #file: DiskFile;
  readonly #salt: number;
  readonly #window = Buffer.allocUnsafeSlow(readBytes);
  #windowStart = 0;
  #windowLength = 0;
  #offset = 0;

  constructor(file: DiskFile, salt: number) {
    this.#file = file;
    this.#salt = salt;
  }

  /** Reads the head at `offset`; false when there is none. */
  async headAt(offset: number): Promise<boolean> {
    this.#offset = offset;
    if (!this.#holds(offset, frameHeadBytes)) await this.#fill(offset);
    if (!this.#holds(offset, frameHeadBytes)) return false;
    return this.head.decode(this.#window, offset - this.#windowStart, this.#salt);
  }

  /** The batch behind the last head, owned by the caller; null when it is cut short or damaged. */
  async batch(): Promise<Uint8Array | null> {
    const { length } = this.head;
    const start = this.#offset + frameHeadBytes;
    // Checked against the file first: a length is trusted no further than the bytes that can be there.
    if (!this.#holds(start, length) && start + length > this.#file.size()) return null;
    const batch = new Uint8Array(length);
    if (this.#holds(start, length)) {
      const at = start - this.#windowStart;
      batch.set(this.#window.subarray(at, at + length));
    } else if ((await this.#file.read(batch, start)) < length) {
      return null;
    }
    return checksum(batch, 0, length, 0) === this.head.checksum ? batch : null;
  }

  /** Whether the batch behind the last head is whole, without keeping it. */
  async verify(): Promise<boolean> {
    let offset = this.#offset + frameHeadBytes;
    const end = offset + this.head.length;
    let sum = 0;
    while (offset < end) {
      if (!this.#holds(offset, 1)) await this.#fill(offset);
      const at = offset - this.#windowStart;
      const length = Math.min(end - offset, this.#windowLength - at);
      if (length <= 0) return false;
      sum = checksum(this.#window, at, at + length, sum);
      offset += length;
    }
    return sum === this.head.checksum;
  }

  /** Offset of the first head at or after `offset` (a multiple of 8), which is then the last head; -1: none. */
  async find(offset: number): Promise<number> {
    for (;;) {
      if (!this.#holds(offset, frameHeadBytes)) await this.#fill(offset);
      const last = this.#windowLength - frameHeadBytes;
      let at = offset - this.#windowStart;
      if (at > last) return -1;
      for (; at <= last; at += 8) {
        // 0x48: the frame's magic, looked at here because nearly all of what is searched is zeros.
        if (this.#window[at + 4] !== 0x48 || !this.head.decode(this.#window, at, this.#salt)) continue;
        this.#offset = this.#windowStart + at;
        return this.#offset;
      }
      offset = this.#windowStart + at;
    }
  }

  #holds(offset: number, length: number): boolean {
    return offset >= this.#windowStart && offset + length <= this.#windowStart + this.#windowLength;
  }

  async #fill(offset: number): Promise<void> {
    this.#windowStart = offset;
    this.#windowLength = 0;
    this.#windowLength = await this.#file.read(this.#window, offset);
  }
}
