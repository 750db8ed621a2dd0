import { expect, it } from 'vitest';
import { RecentEntries } from './recent-entries.js';

it('has the newest entries first, and no more than are wanted', () => {
  const entries = new RecentEntries<number>();
  entries.lengthMax = 3;
  for (let i = 0; i < 100; i++) {
    entries.add(i);
    expect(entries.newest(10)).toEqual([i, i - 1, i - 2].filter((n) => n >= 0));
    expect(entries.length).toBe(Math.min(i + 1, 3));
  }
  expect(entries.newest(0)).toEqual([]);
  expect(entries.take(2, (n) => n === 97)).toBeUndefined();
  expect(entries.take(3, (n) => n < 99)).toBe(98);
  expect(entries.newest(2)).toEqual([99, 97]);
});

it('shows nothing again that was too much once', () => {
  const entries = new RecentEntries<number>();
  entries.lengthMax = 0;
  for (let i = 0; i < 5; i++) entries.add(i);
  expect([entries.length, entries.newest(9)]).toEqual([0, []]);
  entries.lengthMax = 10;
  expect(entries.length).toBe(0);
});

it('adds to a long log as fast as to a short one: each entry moved all others', () => {
  const addTo = (max: number): number => {
    const entries = new RecentEntries<number>();
    entries.lengthMax = max;
    for (let i = 0; i < max; i++) entries.add(i);
    const start = performance.now();
    for (let i = 0; i < 5000; i++) entries.add(i);
    return performance.now() - start;
  };
  addTo(1000);
  expect(addTo(1_000_000)).toBeLessThan(50 * Math.max(1, addTo(1000)));
});
