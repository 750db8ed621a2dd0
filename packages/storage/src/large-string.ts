/**
 * A string with a buffer of its own beside the arena, which may have room to grow. Whoever holds it counts its bytes.
 *
 * On a disk it is in pieces, and it knows which of them changed since they were written: a bit that is set in half a gigabyte
 * is one piece to be written.
 */
// @hot-path
import { constants } from 'node:buffer';
import { KvError } from '@holdfast/common';

/**
 * From this length on a string has room for as much again from the start. What was never written to is address space, and no
 * memory: an APPEND to 500 MB took 0.3 s, and held up everybody, while it had to be moved for it.
 */
const roomyBytesMin: number = 1 << 24;

/** Of a piece: with its key it fills a block of a write set's arena, and LevelDB never has anything large at once. */
export const pieceBytes: number = 32 * 1024 - 64;

export function pieceCount(length: number): number {
  return Math.ceil(length / pieceBytes);
}

const nothingChanged = new Uint8Array(0);

export class LargeString {
  bytes: Buffer;
  length: number;
  /** The most it ever had of its buffer. */
  #touched: number;
  /** A byte for each piece, 1 for those that changed; none while nothing did. */
  #changed: Uint8Array = nothingChanged;
  #changedCount = 0;

  /** Of the first `length` bytes of a buffer, which it keeps. */
  constructor(bytes: Buffer, length: number) {
    this.bytes = bytes;
    this.length = length;
    this.#touched = length;
  }

  /** The memory that it takes. */
  get usedBytes(): number {
    return this.bytes.length < roomyBytesMin ? this.bytes.length : this.#touched;
  }

  /** Makes it longer or shorter, old content kept; returns how much more memory it takes. Throws KvError LIMIT. */
  resize(length: number): number {
    const before = this.usedBytes;
    if (length > this.bytes.length) {
      const grown = allocateRoomy(Math.max(length, Math.min(this.length * 2, roomyBytesMin)));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
      this.#touched = length;
    }
    if (length !== this.length) this.change(Math.min(length, this.length), Math.max(length, this.length));
    this.length = length;
    this.#touched = Math.max(this.#touched, length);
    return this.usedBytes - before;
  }

  /** `bytes[from, to)` changed. */
  change(from: number, to: number): void {
    const end = pieceCount(to);
    if (end > this.#changed.length) {
      const grown = new Uint8Array(Math.max(end, pieceCount(this.bytes.length)));
      grown.set(this.#changed);
      this.#changed = grown;
    }
    const changed = this.#changed;
    for (let piece = Math.floor(from / pieceBytes); piece < end; piece++) {
      this.#changedCount += 1 - changed[piece];
      changed[piece] = 1;
    }
  }

  /** How much changed, in whole pieces. */
  get changedBytes(): number {
    return this.#changedCount * pieceBytes;
  }

  /** Whether a piece changed since all were written. */
  isChanged(piece: number): boolean {
    return this.#changed[piece] === 1;
  }

  /** The disk has it as it is, or is about to. */
  written(): void {
    this.#changed = nothingChanged;
    this.#changedCount = 0;
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

/** As `allocateLarge`, with room where that takes no memory, as far as the runtime's buffers go. */
export function allocateRoomy(length: number): Buffer {
  if (length < roomyBytesMin || length * 2 > constants.MAX_LENGTH) return allocateLarge(length);
  try {
    return Buffer.allocUnsafeSlow(length * 2);
  } catch {
    return allocateLarge(length);
  }
}
