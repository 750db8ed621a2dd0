import { expect, it } from 'vitest';
import { AbsentNames } from './absent-names.js';

const name = (i: number): string => `name ${i}`;

it('knows the latest half of its bound at least, and never more than all of it', () => {
  const names = new AbsentNames(100, 1_000_000);
  for (let i = 0; i < 1000; i++) {
    names.add(name(i));
    expect(names.size).toBeLessThanOrEqual(100);
    for (let j = Math.max(0, i - 49); j <= i; j++) expect(names.has(name(j)), name(j)).toBe(true);
  }
  expect(names.has(name(800))).toBe(false);
});

it('bounds the bytes of all names', () => {
  const names = new AbsentNames(1000, 10_000);
  for (let i = 0; i < 100; i++) names.add(`${i} ${'x'.repeat(1000)}`);
  expect(names.size).toBeLessThanOrEqual(11);
});

it('keeps what somebody waits for, until nobody does', () => {
  const needed = new Set<string>();
  const names = new AbsentNames(100, 1_000_000, (each) => needed.has(each));
  for (let i = 0; i < 500; i++) {
    needed.add(name(i));
    names.add(name(i));
  }
  for (const each of needed) expect(names.has(each)).toBe(true);
  needed.clear();
  for (let i = 500; i < 1700; i++) names.add(name(i));
  expect(names.size).toBeLessThan(600);
  expect(names.has(name(0))).toBe(false);
});

it('what is deleted is not absent any more, however long ago it was noted', () => {
  const names = new AbsentNames(100, 1_000_000);
  for (let i = 0; i < 90; i++) names.add(name(i));
  for (let i = 0; i < 90; i++) {
    names.delete(name(i));
    expect(names.has(name(i))).toBe(false);
  }
});
