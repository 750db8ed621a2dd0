/**
 * Elements in the order of their scores, and of their bytes where those are the same: a radix sort of the scores' bits.
 *
 *     bits of a double     sign | exponent | fraction     greater as a number, greater as bits, while it is positive
 *     turned               positive: the sign set; negative: all bits turned, so that all of them are in order
 *
 * 1 M elements take 0.05 to 0.15 s by four digits of 16 bits, and 0.7 to 0.9 s by comparisons.
 */
import { compareBytes } from '@holdfast/common';
import type { Slice } from './sort-pattern.js';

export interface Scored extends Slice {
  /** No NaN. */
  readonly score: number;
}

const digitValues = 0x10000;
const digitsOfScore = 4;

/** Below it counting digits takes longer than comparing. */
const countMin = 4096;

export function compareSlices(a: Slice, b: Slice): number {
  return compareBytes(a.bytes, a.start, a.length, b.bytes, b.start, b.length);
}

/** Elements that weigh the same are told apart by themselves. */
export function compareScores(a: Scored, b: Scored): number {
  if (a.score < b.score) return -1;
  return a.score > b.score ? 1 : compareSlices(a, b);
}

/** As sorting by `compareScores`. */
export function sortedByScore<T extends Scored>(elements: readonly T[]): T[] {
  if (elements.length < countMin) return [...elements].sort(compareScores);
  const order = radixOrder(elements);
  const sorted = new Array<T>(elements.length);
  for (let i = 0; i < sorted.length; i++) sorted[i] = elements[order[i]];
  sortTies(sorted);
  return sorted;
}

/** The places of the elements in `elements`, in the order of their scores. */
function radixOrder(elements: readonly Scored[]): Uint32Array {
  const digits = digitsOf(elements);
  let order = new Uint32Array(elements.length);
  let next = new Uint32Array(elements.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  const starts = new Uint32Array(digitValues);
  for (let d = 0; d < digitsOfScore; d++) {
    starts.fill(0);
    for (let i = d; i < digits.length; i += digitsOfScore) starts[digits[i]]++;
    // Integers have nothing in their last digits.
    if (starts[digits[d]] === elements.length) continue;
    let at = 0;
    for (let value = 0; value < digitValues; value++) {
      const count = starts[value];
      starts[value] = at;
      at += count;
    }
    for (let i = 0; i < order.length; i++) {
      const element = order[i];
      next[starts[digits[element * digitsOfScore + d]]++] = element;
    }
    [order, next] = [next, order];
  }
  return order;
}

/** Of each score, the last digit first. */
function digitsOf(elements: readonly Scored[]): Uint16Array {
  const scores = new Float64Array(elements.length);
  // Minus zero is no other number than zero.
  for (let i = 0; i < scores.length; i++) scores[i] = elements[i].score + 0;
  const words = new Uint32Array(scores.buffer);
  for (let i = 0; i < words.length; i += 2) {
    if (words[i + 1] >>> 31 === 0) words[i + 1] |= 0x80000000;
    else {
      words[i] = ~words[i];
      words[i + 1] = ~words[i + 1];
    }
  }
  return new Uint16Array(scores.buffer);
}

function sortTies(sorted: Scored[]): void {
  for (let from = 0, to = 1; from < sorted.length; from = to++) {
    while (to < sorted.length && sorted[to].score === sorted[from].score) to++;
    if (to - from < 2) continue;
    const ties = sorted.slice(from, to).sort(compareSlices);
    for (let i = 0; i < ties.length; i++) sorted[from + i] = ties[i];
  }
}
