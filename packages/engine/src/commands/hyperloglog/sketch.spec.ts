import { randomBelow } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { countDense, countSparse, estimate } from './cardinality.js';
import { denseBytes, registerCount } from './registers.js';
import { addOutcomes, mergeInto, Sketch } from './sketch.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const { random } = new SimulatedEnv(seed);

function registersOf({ bytes, length }: Sketch): Uint8Array {
  const registers = new Uint8Array(registerCount);
  expect(mergeInto(registers, bytes, 0, length)).toBe(true);
  return registers;
}

function estimateOf(sketch: Sketch): number {
  if (sketch.isDense) countDense(sketch.bytes, 0);
  else expect(countSparse(sketch.bytes, 0, sketch.length)).toBe(true);
  return estimate();
}

it(`keeps the largest count of each register, sparse and dense (HOLDFAST_SEED=${seed})`, () => {
  for (const [rounds, spread] of [
    [300, 40],
    [2000, 500],
    [4000, registerCount],
  ]) {
    const [sparse, dense] = [new Sketch(), new Sketch()];
    const expected = new Uint8Array(registerCount);
    sparse.create();
    dense.create();
    dense.toDense();
    for (let i = 0; i < rounds; i++) {
      const register = randomBelow(random, spread);
      const count = 1 + Math.clz32(random.uint32());
      const outcome = count > expected[register] ? addOutcomes.changed : addOutcomes.unchanged;
      expect(sparse.raise(register, count, 20_000)).toBe(outcome);
      expect(dense.raise(register, count, 20_000)).toBe(outcome);
      expected[register] = Math.max(expected[register], count);
    }
    expect(sparse.isDense).toBe(expected.some((count) => count > 32));
    expect(registersOf(sparse)).toEqual(expected);
    expect(registersOf(dense)).toEqual(expected);
    expect(estimateOf(sparse)).toBe(estimateOf(dense));
    sparse.toDense();
    expect(registersOf(sparse)).toEqual(expected);
    expect(sparse.length).toBe(denseBytes);
  }
});

it('estimates within three standard errors', () => {
  const sketch = new Sketch();
  sketch.create();
  const element = Buffer.alloc(4);
  for (let n = 1; n <= 100_000; n++) {
    element.writeUInt32LE(n);
    sketch.add(element, 0, 4, 3000);
    if (![1, 10, 100, 1000, 10_000, 100_000].includes(n)) continue;
    expect(Math.abs(estimateOf(sketch) - n)).toBeLessThanOrEqual(Math.ceil(n * 3 * 0.0081));
  }
});
