import { randomBelow } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { sortRange } from './partial-sort.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const { random } = new SimulatedEnv(seed);

const ascending = (a: number, b: number): number => a - b;

it(`brings to a range what a whole sort brings there (HOLDFAST_SEED=${seed})`, () => {
  for (let round = 0; round < 2000; round++) {
    const count = randomBelow(random, round % 10 === 0 ? 500 : 30);
    const values = 1 + randomBelow(random, round % 2 === 0 ? 5 : 1000);
    const items = Array.from({ length: count }, () => randomBelow(random, values));
    if (round % 3 === 0) items.sort(ascending);
    const from = randomBelow(random, count + 1);
    const to = from + randomBelow(random, count + 1);
    const expected = items.toSorted(ascending);
    sortRange(items, ascending, from, to);
    expect(items.slice(from, to + 1)).toEqual(expected.slice(from, to + 1));
    expect(items.toSorted(ascending)).toEqual(expected);
  }
});

it('leaves the rest alone: the smallest ten of many take few comparisons', () => {
  const items = Array.from({ length: 10_000 }, () => random.uint32());
  let comparisons = 0;
  const compare = (a: number, b: number): number => {
    comparisons++;
    return a - b;
  };
  sortRange(items, compare, 0, 9);
  expect(comparisons).toBeLessThan(60_000);
});
