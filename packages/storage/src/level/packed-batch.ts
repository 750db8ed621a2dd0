/**
 * The operations of a batch, one after another in chunks of memory that another thread can read:
 *
 *     word 0   length of the key
 *     word 1   length of the value and 1; 0 for a removal
 *     key, value, up to 3 bytes to the next whole word
 *
 * Words are the machine's own. An operation that is larger than a chunk has one to itself.
 *
 * Chunks are shared, not handed over: memory that comes and goes between threads counts as garbage of each, and
 * led to three full collections a second under load.
 */
// @hot-path
import { copyBytes, emptyBytes } from '@holdfast/common';

/** Also in `batch-thread.js`, whose addresses are a chunk and a word in it. */
const chunkBytes = 1 << 20;

export class PackedBatch {
  readonly chunks: SharedArrayBuffer[] = [];
  /** Where the operations of each chunk end, in words. */
  readonly ends: number[] = [];
  /** Of operations. */
  count = 0;
  /** Memory to be used before any other, chunks of other batches: taken from its end. */
  readonly #spare: SharedArrayBuffer[];
  #bytes: Uint8Array = emptyBytes;
  #words: Uint32Array = new Uint32Array(0);
  #at = 0;

  constructor(spare: SharedArrayBuffer[]) {
    this.#spare = spare;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const at = this.#append(key.length, value.length, value.length + 1) * 4;
    copyBytes(key, 0, this.#bytes, at, key.length);
    copyBytes(value, 0, this.#bytes, at + key.length, value.length);
  }

  /** See `OrderedBatch`. */
  putRecord(words: Int32Array, at: number, keyLength: number, valueLength: number): void {
    const to = this.#append(keyLength, valueLength, valueLength + 1);
    const count = this.#at - to;
    const target = this.#words;
    for (let i = 0; i < count; i++) target[to + i] = words[at + i];
  }

  delete(key: Uint8Array): void {
    const at = this.#append(key.length, 0, 0) * 4;
    copyBytes(key, 0, this.#bytes, at, key.length);
  }

  /** Whether a chunk is one that a later batch can use. */
  static isReusable(chunk: SharedArrayBuffer): boolean {
    return chunk.byteLength === chunkBytes;
  }

  /** Makes room for a key and its value; returns the word that they begin with. */
  #append(keyLength: number, valueLength: number, valueMark: number): number {
    const words = 2 + ((keyLength + valueLength + 3) >>> 2);
    if (this.#at + words > this.#words.length) this.#addChunk(words * 4);
    const at = this.#at;
    this.#words[at] = keyLength;
    this.#words[at + 1] = valueMark;
    this.#at = at + words;
    this.ends[this.ends.length - 1] = this.#at;
    this.count++;
    return at + 2;
  }

  #addChunk(bytes: number): void {
    const chunk =
      bytes > chunkBytes
        ? new SharedArrayBuffer(bytes)
        : (this.#spare.pop() ?? new SharedArrayBuffer(chunkBytes));
    this.chunks.push(chunk);
    this.ends.push(0);
    this.#bytes = new Uint8Array(chunk);
    this.#words = new Uint32Array(chunk);
    this.#at = 0;
  }
}
