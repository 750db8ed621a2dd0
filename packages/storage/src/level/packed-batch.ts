/**
 * The operations of a batch, for another thread to read. Each has an entry of four words:
 *
 *     word 0   number of the memory that its key lies in
 *     word 1   where in it, in words
 *     word 2   length of the key
 *     word 3   length of the value, which follows the key, and 1; 0 for a removal
 *
 * What is a record of a write set stays where it is; all else is copied into chunks of the batch's own. Words are the machine's
 * own. An operation that is larger than a chunk has one to itself.
 *
 * Memory is shared, not handed over: what comes and goes between threads counts as garbage of each, and
 * led to three full collections a second under load.
 */
// @hot-path
import { copyBytes, emptyBytes } from '@holdfast/common';

/** Of entries, and of what is copied. */
const chunkBytes = 1 << 20;
/** Also in `batch-thread.js`. */
const entryWords = 4;
const noWords = new Uint32Array(0);

export class PackedBatch {
  /** What the entries name by number. */
  readonly memories: SharedArrayBuffer[] = [];
  /** The entries: as many in each as it has room for. */
  readonly entries: SharedArrayBuffer[] = [];
  /** Of operations. */
  count = 0;
  /** Chunks to be used before any other, of other batches: taken from its end. */
  readonly #spare: SharedArrayBuffer[];
  /** Those of them, and of its own, that a later batch can use. */
  readonly reusable: SharedArrayBuffer[] = [];
  #entryWords: Uint32Array = noWords;
  #entryAt = 0;
  /** The chunk that operations are copied into: its bytes, its number, and where it ends. */
  #bytes: Uint8Array = emptyBytes;
  #memory = 0;
  #at = 0;
  /** Where the last record was. */
  #recordWords: Int32Array | null = null;
  #recordMemory = 0;

  constructor(spare: SharedArrayBuffer[]) {
    this.#spare = spare;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#copy(key, value, value.length + 1);
  }

  /** See `OrderedBatch`. */
  putRecord(words: Int32Array, at: number, keyLength: number, valueLength: number): void {
    if (words !== this.#recordWords) this.#findRecords(words);
    this.#add(this.#recordMemory, at, keyLength, valueLength + 1);
  }

  delete(key: Uint8Array): void {
    this.#copy(key, emptyBytes, 0);
  }

  #copy(key: Uint8Array, value: Uint8Array, valueMark: number): void {
    const bytes = key.length + value.length;
    if (this.#at + bytes >= this.#bytes.length) this.#addChunk(bytes);
    copyBytes(key, 0, this.#bytes, this.#at, key.length);
    copyBytes(value, 0, this.#bytes, this.#at + key.length, value.length);
    this.#add(this.#memory, this.#at >>> 2, key.length, valueMark);
    this.#at += (bytes + 3) & ~3;
  }

  #add(memory: number, at: number, keyLength: number, valueMark: number): void {
    if (this.#entryAt === this.#entryWords.length) this.#addEntries();
    const words = this.#entryWords;
    const entry = this.#entryAt;
    words[entry] = memory;
    words[entry + 1] = at;
    words[entry + 2] = keyLength;
    words[entry + 3] = valueMark;
    this.#entryAt = entry + entryWords;
    this.count++;
  }

  #findRecords(words: Int32Array): void {
    const memory = words.buffer as SharedArrayBuffer;
    const known = this.memories.indexOf(memory);
    this.#recordMemory = known === -1 ? this.memories.push(memory) - 1 : known;
    this.#recordWords = words;
  }

  #addEntries(): void {
    const chunk = this.#chunk(chunkBytes);
    this.entries.push(chunk);
    this.#entryWords = new Uint32Array(chunk);
    this.#entryAt = 0;
  }

  #addChunk(bytes: number): void {
    const chunk = this.#chunk(Math.max(bytes, chunkBytes));
    this.#memory = this.memories.push(chunk) - 1;
    this.#bytes = new Uint8Array(chunk);
    this.#at = 0;
  }

  #chunk(bytes: number): SharedArrayBuffer {
    if (bytes > chunkBytes) return new SharedArrayBuffer(bytes);
    const chunk = this.#spare.pop() ?? new SharedArrayBuffer(chunkBytes);
    this.reusable.push(chunk);
    return chunk;
  }
}
