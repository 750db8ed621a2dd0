/**
 * The sparse form of a HyperLogLog's registers: runs of equal ones, from the first register to the last.
 *
 *     00nnnnnn            n + 1 zeros
 *     01nnnnnn nnnnnnnn   n + 1 zeros
 *     1vvvvvnn            n + 1 registers of v + 1
 *
 * Runs are split and joined exactly as Redis does it, so that the same elements lead to the same bytes.
 */
// @hot-path
import { headBytes, registerCount } from './registers.js';

/** The most that a register can be here. */
export const sparseMax = 32;
/** No valid sketch is longer: a run for each register, in its longest form. */
export const sparseBytesMax: number = headBytes + 2 * registerCount;

const zerosMax = 64;
const valuesMax = 4;
/** After a change so many runs are looked at for neighbours to be joined. */
const joinLooks = 5;

const isValue = (run: number): boolean => (run & 0x80) !== 0;
const isLong = (run: number): boolean => (run & 0xc0) === 0x40;
const countOf = (run: number): number => ((run >>> 2) & 31) + 1;
const valueRun = (value: number, count: number): number => 0x80 | ((value - 1) << 2) | (count - 1);

/** How many bytes a run takes. */
export function runBytes(run: number): number {
  return isLong(run) ? 2 : 1;
}

/** How many registers the run at `at` stands for. */
export function runLength(bytes: Uint8Array, at: number): number {
  const run = bytes[at];
  if (isValue(run)) return (run & 3) + 1;
  return isLong(run) ? (((run & 63) << 8) | bytes[at + 1]) + 1 : (run & 63) + 1;
}

/** What the registers of a run are. */
export function runValue(run: number): number {
  return isValue(run) ? countOf(run) : 0;
}

/** Writes the runs of a sketch without elements behind its head; returns its length. */
export function writeEmpty(bytes: Uint8Array): number {
  return writeZeros(bytes, headBytes, registerCount);
}

/** Writes `count` zeros at `at`, as the shortest run; returns the position after it. */
function writeZeros(bytes: Uint8Array, at: number, count: number): number {
  if (count === 0) return at;
  const n = count - 1;
  if (count <= zerosMax) {
    bytes[at] = n;
    return at + 1;
  }
  bytes[at] = 0x40 | (n >>> 8);
  bytes[at + 1] = n & 0xff;
  return at + 2;
}

function writeValues(bytes: Uint8Array, at: number, value: number, count: number): number {
  if (count === 0) return at;
  bytes[at] = valueRun(value, count);
  return at + 1;
}

export const sparseOutcomes = { unchanged: 0, changed: 1, corrupt: 2, tooLong: 3 } as const;
export type SparseOutcome = (typeof sparseOutcomes)[keyof typeof sparseOutcomes];

const replacement = new Uint8Array(5);

/** A sparse sketch while a register of it is set. */
export class SparseRegisters {
  /** The length of the sketch, before and after. */
  length = 0;
  /** The first byte that the last change may have changed; everything from there on may have moved. */
  changedFrom = 0;

  /**
   * Sets a register of the sketch at the start of `bytes`, which have room for three more, if it is less than
   * `count`. `tooLong`: nothing was done, since more than `bytesMax` would be needed.
   */
  set(bytes: Uint8Array, register: number, count: number, bytesMax: number): SparseOutcome {
    let at = headBytes;
    let previous = headBytes;
    let first = 0;
    let span = 0;
    for (const { length } = this; ; previous = at, at += runBytes(bytes[at]), first += span) {
      if (at + runBytes(bytes[at]) > length) return sparseOutcomes.corrupt;
      span = runLength(bytes, at);
      if (register < first + span) break;
    }
    const run = bytes[at];
    if (isValue(run) && countOf(run) >= count) return sparseOutcomes.unchanged;
    if (span === 1 && !isLong(run)) bytes[at] = valueRun(count, 1);
    else if (!this.#split(bytes, at, register - first, span, count, bytesMax)) return sparseOutcomes.tooLong;
    this.changedFrom = previous;
    this.#join(bytes, previous);
    return sparseOutcomes.changed;
  }

  /** Replaces the run at `at` by two or three: what is before `offset`, one register of `count`, and the rest. */
  #split(
    bytes: Uint8Array,
    at: number,
    offset: number,
    span: number,
    count: number,
    bytesMax: number,
  ): boolean {
    const run = bytes[at];
    const value = runValue(run);
    const write = value === 0 ? writeZeros : null;
    let end = write === null ? writeValues(replacement, 0, value, offset) : write(replacement, 0, offset);
    replacement[end++] = valueRun(count, 1);
    const after = span - offset - 1;
    end = write === null ? writeValues(replacement, end, value, after) : write(replacement, end, after);
    const replaced = runBytes(run);
    const growth = end - replaced;
    if (growth > 0 && this.length + growth > bytesMax) return false;
    if (growth !== 0) bytes.copyWithin(at + end, at + replaced, this.length);
    for (let i = 0; i < end; i++) bytes[at + i] = replacement[i];
    this.length += growth;
    return true;
  }

  /** Joins neighbours of the same value, as far as one run holds them. */
  #join(bytes: Uint8Array, from: number): void {
    let at = from;
    for (let looks = joinLooks; looks > 0 && at < this.length; looks--) {
      const run = bytes[at];
      const next = at + 1 < this.length ? bytes[at + 1] : 0;
      if (isValue(run) && isValue(next) && countOf(run) === countOf(next)) {
        const count = (run & 3) + (next & 3) + 2;
        if (count <= valuesMax) {
          bytes[at] = valueRun(countOf(run), count);
          bytes.copyWithin(at + 1, at + 2, this.length);
          this.length--;
          continue;
        }
      }
      at += runBytes(run);
    }
  }
}
