/**
 * The number of elements that a HyperLogLog has seen, estimated from how often each value of a register occurs.
 * The estimator is that of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
 * (arXiv:1702.01284), in the order of operations that Redis has: the same registers give the same number.
 */
// @hot-path
import { headBytes, registerCount, registerMax } from './registers.js';
import { runBytes, runLength, runValue } from './sparse.js';

/** 1 / (2 ln 2) */
const alpha = 0.7213475204444817;

const histogram = new Int32Array(64);

/** Counts the dense registers of the sketch that begins at `start`: four in three bytes. */
export function countDense(bytes: Uint8Array, start: number): void {
  histogram.fill(0);
  let at = start + headBytes;
  for (const end = at + (registerCount / 4) * 3; at < end; at += 3) {
    const four = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    histogram[four & 63]++;
    histogram[(four >>> 6) & 63]++;
    histogram[(four >>> 12) & 63]++;
    histogram[four >>> 18]++;
  }
}

/** Counts the sparse registers of the sketch at `bytes[start, end)`; false when there are not as many as there must be. */
export function countSparse(bytes: Uint8Array, start: number, end: number): boolean {
  histogram.fill(0);
  let at = start + headBytes;
  let registers = 0;
  while (at < end) {
    const run = bytes[at];
    const count = at + runBytes(run) > end ? registerCount + 1 : runLength(bytes, at);
    registers += count;
    if (registers > registerCount) return false;
    histogram[runValue(run)] += count;
    at += runBytes(run);
  }
  return registers === registerCount;
}

/** Counts registers of one byte each, four in a word: most are zero where few elements were seen. */
export function countWords(registers: Uint32Array): void {
  histogram.fill(0);
  let zeros = 0;
  for (let i = 0; i < registerCount / 4; i++) {
    const four = registers[i];
    if (four === 0) {
      zeros += 4;
      continue;
    }
    histogram[four & 63]++;
    histogram[(four >>> 8) & 63]++;
    histogram[(four >>> 16) & 63]++;
    histogram[four >>> 24]++;
  }
  histogram[0] += zeros;
}

/** The estimate for what was counted last: a whole number. Damaged registers may make it infinite. */
export function estimate(): number {
  let z = registerCount * tau((registerCount - histogram[registerMax]) / registerCount);
  for (let i = registerMax - 1; i >= 1; i--) z = (z + histogram[i]) * 0.5;
  z += registerCount * sigma(histogram[0] / registerCount);
  return Math.round((alpha * registerCount * registerCount) / z);
}

function sigma(ratio: number): number {
  if (ratio === 1) return Number.POSITIVE_INFINITY;
  let x = ratio;
  let y = 1;
  let z = x;
  for (let last = Number.NaN; last !== z; ) {
    x *= x;
    last = z;
    z += x * y;
    y += y;
  }
  return z;
}

function tau(ratio: number): number {
  if (ratio === 0 || ratio === 1) return 0;
  let x = ratio;
  let y = 1;
  let z = 1 - x;
  for (let last = Number.NaN; last !== z; ) {
    x = Math.sqrt(x);
    last = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}
