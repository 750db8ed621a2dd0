/**
 * A HyperLogLog that is being changed, as a copy beside the one in the storage: `load` it, add to it, and write
 * back what has changed, or nothing at all when it turns out to be damaged.
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import {
  denseBytes,
  denseRegister,
  encodingAt,
  encodings,
  headBytes,
  locate,
  place,
  registerCount,
  setDenseRegister,
  staleAt,
  staleBit,
  writeHead,
} from './registers.js';
import {
  runBytes,
  runLength,
  runValue,
  SparseRegisters,
  sparseBytesMax,
  sparseMax,
  sparseOutcomes,
  writeEmpty,
} from './sparse.js';

export const addOutcomes = { unchanged: 0, changed: 1, corrupt: 2 } as const;
export type AddOutcome = (typeof addOutcomes)[keyof typeof addOutcomes];

export class Sketch {
  /** The sketch is `bytes[0, length)`. */
  readonly bytes: Buffer = Buffer.alloc(sparseBytesMax + 8);
  length = 0;
  /** What may have changed since it was loaded is `bytes[changedFrom, changedTo)`. */
  changedFrom = 0;
  changedTo = 0;
  readonly #sparse = new SparseRegisters();
  readonly #dense = Buffer.alloc(denseBytes);

  /** Begins a sketch without elements. */
  create(): void {
    writeHead(this.bytes, encodings.sparse);
    this.length = writeEmpty(this.bytes);
    this.#forgetChanges();
  }

  /** Copies a string that `isSketch` accepts; false when it is too long to be one. */
  load(bytes: Uint8Array, start: number, length: number): boolean {
    if (length > sparseBytesMax) return false;
    copyBytes(bytes, start, this.bytes, 0, length);
    // A last run that is cut in half is not to be made whole by what was here before.
    this.bytes[length] = 0;
    this.length = length;
    this.#forgetChanges();
    return true;
  }

  get isDense(): boolean {
    return this.bytes[encodingAt] === encodings.dense;
  }

  get hasChanged(): boolean {
    return this.changedTo > this.changedFrom;
  }

  /** Adds an element. It becomes dense when it would take more than `sparseMaxBytes` otherwise. */
  add(bytes: Uint8Array, start: number, length: number, sparseMaxBytes: number): AddOutcome {
    locate(bytes, start, length);
    return this.raise(place.register, place.count, sparseMaxBytes);
  }

  /** Sets a register to `count` if it is less. */
  raise(register: number, count: number, sparseMaxBytes: number): AddOutcome {
    if (!this.isDense && count <= sparseMax) {
      this.#sparse.length = this.length;
      const outcome = this.#sparse.set(this.bytes, register, count, sparseMaxBytes);
      this.length = this.#sparse.length;
      if (outcome === sparseOutcomes.changed) this.#change(this.#sparse.changedFrom, sparseBytesMax);
      if (outcome !== sparseOutcomes.tooLong) return outcome;
    }
    if (!this.toDense()) return addOutcomes.corrupt;
    if (denseRegister(this.bytes, 0, register) >= count) return addOutcomes.unchanged;
    setDenseRegister(this.bytes, register, count);
    const at = headBytes + ((register * 6) >>> 3);
    this.#change(at, Math.min(at + 2, denseBytes));
    return addOutcomes.changed;
  }

  /** Makes it dense; false when its runs don't make up all registers. */
  toDense(): boolean {
    if (this.isDense) return true;
    const { bytes, length } = this;
    const dense = this.#dense;
    dense.fill(0);
    let register = 0;
    for (let at = headBytes; at < length; at += runBytes(bytes[at])) {
      const next = at + runBytes(bytes[at]) > length ? registerCount + 1 : register + runLength(bytes, at);
      if (next > registerCount) return false;
      const value = runValue(bytes[at]);
      if (value === 0) register = next;
      else for (; register < next; register++) setDenseRegister(dense, register, value);
    }
    if (register !== registerCount) return false;
    copyBytes(dense, headBytes, bytes, headBytes, denseBytes - headBytes);
    bytes[encodingAt] = encodings.dense;
    this.length = denseBytes;
    this.#change(encodingAt, denseBytes);
    return true;
  }

  /** The cardinality that is kept is no longer right. */
  invalidate(): void {
    if ((this.bytes[staleAt] & staleBit) !== 0) return;
    this.bytes[staleAt] |= staleBit;
    this.#change(staleAt, staleAt + 1);
  }

  #change(from: number, to: number): void {
    this.changedFrom = Math.min(this.changedFrom, from);
    this.changedTo = Math.max(this.changedTo, to);
  }

  #forgetChanges(): void {
    this.changedFrom = sparseBytesMax;
    this.changedTo = 0;
  }
}

/** Whether the cardinality that is kept is right. */
export function hasCardinality(bytes: Uint8Array, start: number): boolean {
  return (bytes[start + staleAt] & staleBit) === 0;
}

/**
 * Raises `registers`, one byte each, to those of a string that `isSketch` accepts; false when its runs don't
 * make up all registers.
 */
export function mergeInto(registers: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (bytes[start + encodingAt] === encodings.dense) {
    mergeDense(registers, bytes, start + headBytes);
    return true;
  }
  const end = start + length;
  let register = 0;
  for (let at = start + headBytes; at < end; at += runBytes(bytes[at])) {
    const next = at + runBytes(bytes[at]) > end ? registerCount + 1 : register + runLength(bytes, at);
    if (next > registerCount) return false;
    const value = runValue(bytes[at]);
    if (value === 0) register = next;
    else for (; register < next; register++) if (value > registers[register]) registers[register] = value;
  }
  return register === registerCount;
}

/** Four registers in three bytes, from `at` on. */
function mergeDense(registers: Uint8Array, bytes: Uint8Array, at: number): void {
  for (let i = 0, from = at; i < registerCount; i += 4, from += 3) {
    const four = bytes[from] | (bytes[from + 1] << 8) | (bytes[from + 2] << 16);
    raise(registers, i, four & 63);
    raise(registers, i + 1, (four >>> 6) & 63);
    raise(registers, i + 2, (four >>> 12) & 63);
    raise(registers, i + 3, four >>> 18);
  }
}

function raise(registers: Uint8Array, register: number, count: number): void {
  if (count > registers[register]) registers[register] = count;
}
