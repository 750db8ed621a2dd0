import { expect, it } from 'vitest';
import { coveredByMajority, trimmable } from './replica-keeper.js';

const of = (positions: Record<string, number>): number =>
  coveredByMajority(['a', 'b', 'c'], new Map(Object.entries(positions)));

it('trims what a majority of the replicas needs no more, and counts who has reported nothing', () => {
  expect(of({ a: 10, b: 20, c: 30 })).toBe(20);
  expect(of({ a: 10, c: 30 })).toBe(10);
  expect(of({ c: 30 })).toBe(0);
  expect(of({})).toBe(0);
});

it('does not count nodes that have no replica any more', () => {
  expect(of({ a: 10, x: 90, y: 90 })).toBe(0);
});

it('takes more than half of an even number', () => {
  const positions = new Map([
    ['a', 10],
    ['b', 20],
  ]);
  expect(coveredByMajority(['a', 'b'], positions)).toBe(10);
  expect(coveredByMajority(['a'], positions)).toBe(10);
  expect(coveredByMajority([], positions)).toBe(0);
});

it('trims nothing that is held, by a backup that is taken', () => {
  const positions = new Map([
    ['a', 30],
    ['b', 20],
    ['~backup', 10],
  ]);
  expect(trimmable(['a', 'b', 'c'], positions)).toBe(10);
  positions.set('~backup', 25);
  expect(trimmable(['a', 'b', 'c'], positions)).toBe(20);
  positions.set('~another', 0);
  expect(trimmable(['a', 'b', 'c'], positions)).toBe(0);
});
