/**
 * Memory outside the JavaScript heap, handed out in units of 8 bytes from chunks of 64 MiB. The
 * garbage collector never looks inside, so ten million records cost it nothing.
 *
 *     ref (31 bits)   | chunk: 8 | unit in chunk: 23 |        0 means "no record"
 *
 * A block belongs to a size class: every multiple of 8 bytes up to 512, then eight classes for each
 * doubling up to 2 MiB (waste at most an eighth). A freed block goes to its class's free list, whose
 * links lie in the blocks themselves. Blocks never move and are never split, so a stale ref still
 * points at the start of some block. Chunks are zero pages of the operating system until they are
 * touched: a fresh arena costs address space, not memory.
 *
 * It does not know who uses a block: whoever allocates remembers the class and frees it.
 */
// @hot-path
import { KvError } from '@holdfast/common';

export type Ref = number;

const chunkBytes = 1 << 26;
const chunkUnitBits = 23;
const unitMask = (1 << chunkUnitBits) - 1;
const exactUnits = 64;

/** Largest block, in bytes. */
export const blockBytesMax: number = 1 << 21;
/** Most chunks of one arena: 16 GiB. */
export const chunksMax: number = 256;

/** The class of the smallest blocks that hold `units` units of 8 bytes; units from 1 to 262,144. */
export function sizeClassOf(units: number): number {
  if (units <= exactUnits) return units;
  const doubling = 31 - Math.clz32(units - 1);
  return exactUnits + (doubling - 6) * 8 + ((units - 1) >>> (doubling - 3)) - 7;
}

/** Size of the blocks of a class, in units of 8 bytes. */
export function unitsOfClass(sizeClass: number): number {
  if (sizeClass <= exactUnits) return sizeClass;
  const step = sizeClass - exactUnits - 1;
  return (9 + (step & 7)) << ((step >>> 3) + 3);
}

export const sizeClassMax: number = sizeClassOf(blockBytesMax / 8);

export class Arena {
  /** The chunks as bytes, as 32-bit words, and as doubles: three views of the same memory. */
  readonly bytes: Buffer[] = [];
  readonly words: Int32Array[] = [];
  readonly doubles: Float64Array[] = [];
  /** Bytes in blocks that are handed out, and in what is attached, as far as whoever attaches it counts them here. */
  usedBytes = 0;
  /** Bytes in blocks that were handed out and came back: they stay with the process. */
  freeBytes = 0;
  /** What is too large or too structured for a block, by number: see `attach`. */
  readonly #objects: (object | null)[] = [];
  readonly #freeObjects: number[] = [];
  readonly #free = new Int32Array(sizeClassMax + 1);
  #top = 0;
  #topEnd = 0;
  readonly #firstChunkBytes: number;
  readonly #isShared: boolean;

  /**
   * For a small arena the first chunk may be smaller: a whole number of the largest blocks, at least two. Chunks that are
   * shared can be read by other threads.
   */
  constructor(firstChunkBytes: number = chunkBytes, isShared = false) {
    this.#firstChunkBytes = firstChunkBytes;
    this.#isShared = isShared;
  }

  /** A block of `sizeClass`; its content is undefined. */
  allocate(sizeClass: number): Ref {
    const units = unitsOfClass(sizeClass);
    this.usedBytes += units << 3;
    const free = this.#free[sizeClass];
    if (free !== 0) {
      this.freeBytes -= units << 3;
      this.#free[sizeClass] = this.words[free >>> chunkUnitBits][(free & unitMask) << 1];
      return free;
    }
    if (this.#top + units > this.#topEnd) this.#addChunk();
    const ref = this.#top;
    this.#top += units;
    return ref;
  }

  free(ref: Ref, sizeClass: number): void {
    const bytes = unitsOfClass(sizeClass) << 3;
    this.usedBytes -= bytes;
    this.freeBytes += bytes;
    const words = this.words[ref >>> chunkUnitBits];
    const at = (ref & unitMask) << 1;
    words[at] = this.#free[sizeClass];
    words[at + 1] = 0;
    this.#free[sizeClass] = ref;
  }

  /** Keeps an object on the heap beside the arena; returns the number by which a record names it. */
  attach(object: object): number {
    const number = this.#freeObjects.pop() ?? this.#objects.length;
    this.#objects[number] = object;
    return number;
  }

  object(number: number): object {
    return this.#objects[number] as object;
  }

  detach(number: number): void {
    this.#objects[number] = null;
    this.#freeObjects.push(number);
  }

  /** Takes everything back at once, blocks and objects; keeps the first chunk for what comes. */
  reset(): void {
    this.bytes.length = Math.min(this.bytes.length, 1);
    this.words.length = this.bytes.length;
    this.doubles.length = this.bytes.length;
    this.usedBytes = 0;
    this.freeBytes = 0;
    this.#objects.length = 0;
    this.#freeObjects.length = 0;
    this.#free.fill(0);
    this.#top = this.bytes.length;
    this.#topEnd = this.bytes.length === 0 ? 0 : this.#firstChunkBytes >>> 3;
  }

  /** The chunk that holds a block, as bytes. */
  chunk(ref: Ref): Buffer {
    return this.bytes[ref >>> chunkUnitBits];
  }

  /** Position of a block in its chunk, in bytes. */
  offset(ref: Ref): number {
    return (ref & unitMask) << 3;
  }

  /** The chunk as 32-bit words; the block starts at `offset(ref) / 4`. */
  wordsOf(ref: Ref): Int32Array {
    return this.words[ref >>> chunkUnitBits];
  }

  /** The chunk as doubles; the block starts at `offset(ref) / 8`. */
  doublesOf(ref: Ref): Float64Array {
    return this.doubles[ref >>> chunkUnitBits];
  }

  /** Address space taken, in bytes; what is resident is less. */
  get reservedBytes(): number {
    let bytes = 0;
    for (const chunk of this.bytes) bytes += chunk.length;
    return bytes;
  }

  #addChunk(): void {
    const index = this.bytes.length;
    if (index === chunksMax) throw new KvError('LIMIT', 'the arena is full: 16 GiB in one database');
    // What is left of the old chunk is given to the free lists, largest blocks first.
    let left = this.#topEnd - this.#top;
    while (left > 0) {
      let sizeClass = sizeClassOf(Math.min(left, blockBytesMax >> 3));
      if (unitsOfClass(sizeClass) > left) sizeClass--;
      const units = unitsOfClass(sizeClass);
      this.usedBytes += units << 3;
      this.free(this.#top, sizeClass);
      this.#top += units;
      left -= units;
    }
    const length = index === 0 ? this.#firstChunkBytes : chunkBytes;
    const chunk = Buffer.from(this.#isShared ? new SharedArrayBuffer(length) : new ArrayBuffer(length));
    this.bytes.push(chunk);
    this.words.push(new Int32Array(chunk.buffer));
    this.doubles.push(new Float64Array(chunk.buffer));
    this.#top = (index << chunkUnitBits) + (index === 0 ? 1 : 0);
    this.#topEnd = (index << chunkUnitBits) + (length >>> 3);
  }
}
