import { randomBelow } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { bitOperations, combineBits, countBitsBetween, findBit } from './bit-words.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const { random } = new SimulatedEnv(seed);
const below = (n: number): number => randomBelow(random, n);

/** Bytes that lie anywhere in their buffer, with others around them: long runs of equal bits among them. */
function someBytes(length: number): { bytes: Buffer; start: number } {
  const bytes = random.fill(Buffer.alloc(length + 16));
  const start = below(8);
  const fill = below(4);
  if (fill < 2) bytes.fill(fill === 0 ? 0 : 0xff, start + below(length + 1), start + length);
  return { bytes, start };
}

const bitAt = (bytes: Uint8Array, start: number, i: number): number =>
  (bytes[start + (i >>> 3)] >>> (7 - (i & 7))) & 1;

it(`counts and finds bits as if one by one (HOLDFAST_SEED=${seed})`, () => {
  for (let round = 0; round < 3000; round++) {
    const length = 1 + below(round % 3 === 0 ? 300 : 20);
    const { bytes, start } = someBytes(length);
    const first = below(length * 8);
    const last = first + below(length * 8 - first);
    const range = Array.from({ length: last - first + 1 }, (_, i) => bitAt(bytes, start, first + i));
    expect(countBitsBetween(bytes, start, first, last)).toBe(range.filter((bit) => bit === 1).length);
    for (const bit of [0, 1]) {
      const found = range.indexOf(bit);
      expect(findBit(bytes, start, bit, first, last)).toBe(found < 0 ? -1 : first + found);
    }
  }
});

it(`combines bytes as if one by one (HOLDFAST_SEED=${seed})`, () => {
  for (let round = 0; round < 2000; round++) {
    const length = below(round % 3 === 0 ? 300 : 20);
    const { bytes, start } = someBytes(length);
    const operation = bitOperations[below(4)];
    const target = random.fill(Buffer.allocUnsafeSlow(length + below(9)));
    const expected = Buffer.from(target);
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i];
      if (operation === 'AND') expected[i] &= byte;
      else if (operation === 'OR') expected[i] |= byte;
      else if (operation === 'XOR') expected[i] ^= byte;
      else expected[i] = 255 - byte;
    }
    combineBits(operation, target, bytes, start, length);
    expect(target).toEqual(expected);
  }
});
