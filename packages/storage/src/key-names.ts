/**
 * Names of keys, with their expiries, for whoever wants no more of them: 1.5 M of 16 bytes take 30 MB.
 *
 *     chunk    | word | [expiry f64] | name |  | word | name |  ...
 *     word     bits 0-19: length of the name; bit 30: it has an expiry; bit 31: it was dropped
 */
// @hot-path
import { copyBytes } from '@holdfast/common';

/** Which keys of a database a command wants the names of. */
export interface NameSelection {
  /** The same for selections of the same keys. */
  readonly id: string;
  /** The slot that all of them are in; -1 when they may be in any. */
  readonly slot: number;
  matches(bytes: Uint8Array, start: number, length: number): boolean;
}

/** `expiryMs`: when the key expires, in ms since 1970; 0 when it does not. */
export type NameVisitor = (bytes: Uint8Array, start: number, length: number, expiryMs: number) => void;

const firstChunkBytes = 4096;
const chunkBytesMax = 1024 * 1024;
const wordBytes = 4;
const expiryBytes = 8;

const expires = 1 << 30;
const dropped = 1 << 31;
const lengthMask = (1 << 20) - 1;

export class KeyNames {
  /** Those that were dropped do not count. */
  count = 0;
  readonly #chunks: Buffer[] = [];
  /** Of each chunk: where what is written ends. */
  readonly #ends: number[] = [];

  add(bytes: Uint8Array, start: number, length: number, expiryMs: number): void {
    let size = wordBytes + length;
    if (expiryMs !== 0) size += expiryBytes;
    const last = this.#chunkFor(size);
    const chunk = this.#chunks[last];
    let at = chunk.writeInt32LE(expiryMs === 0 ? length : length | expires, this.#ends[last]);
    if (expiryMs !== 0) at = chunk.writeDoubleLE(expiryMs, at);
    copyBytes(bytes, start, chunk, at, length);
    this.#ends[last] = at + length;
    this.count++;
  }

  /** In the order in which they were added. */
  forEach(visit: NameVisitor): void {
    this.#walk((chunk, _at, word, start, length) => {
      visit(chunk, start, length, (word & expires) === 0 ? 0 : chunk.readDoubleLE(start - expiryBytes));
    });
  }

  /** Drops those that are not wanted any more. */
  drop(isOver: (bytes: Uint8Array, start: number, length: number) => boolean): void {
    this.#walk((chunk, at, word, start, length) => {
      if (!isOver(chunk, start, length)) return;
      chunk.writeInt32LE(word | dropped, at);
      this.count--;
    });
  }

  /** Visits what was not dropped: `at` is where its word is, `start` where its name is. */
  #walk(visit: (chunk: Buffer, at: number, word: number, start: number, length: number) => void): void {
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i];
      const end = this.#ends[i];
      for (let at = 0; at < end; ) {
        const word = chunk.readInt32LE(at);
        const length = word & lengthMask;
        const start = at + nameOffset(word);
        if ((word & dropped) === 0) visit(chunk, at, word, start, length);
        at = start + length;
      }
    }
  }

  /** The chunk that has room for so many bytes: the last one, or a new one. */
  #chunkFor(size: number): number {
    const last = this.#chunks.length - 1;
    if (last >= 0 && this.#ends[last] + size <= this.#chunks[last].length) return last;
    const doubled = last < 0 ? firstChunkBytes : this.#chunks[last].length * 2;
    this.#chunks.push(Buffer.allocUnsafeSlow(Math.max(size, Math.min(doubled, chunkBytesMax))));
    this.#ends.push(0);
    return last + 1;
  }
}

function nameOffset(word: number): number {
  return (word & expires) === 0 ? wordBytes : wordBytes + expiryBytes;
}

/** Of a storage that has all keys in memory: there are no others. */
export const noNames: KeyNames = new KeyNames();
