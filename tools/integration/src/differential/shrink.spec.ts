import { expect, it } from 'vitest';
import { shrink } from './shrink.js';

const noSimpler = (): [] => [];

it('leaves what the failure needs, in its order', async () => {
  const needed = ['d', 'k', 'z'];
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const fails = async (items: readonly string[]) => needed.every((each) => items.includes(each));
  expect(await shrink(letters, { fails, simpler: noSimpler, attemptsMax: 1000 })).toEqual(needed);
});

it('leaves a single item that fails alone, and nothing when nothing is needed', async () => {
  const options = { simpler: noSimpler, attemptsMax: 1000 };
  const fails = async (items: readonly number[]) => items.includes(0);
  expect(await shrink([0, 1, 2, 3, 4], { ...options, fails })).toEqual([0]);
  expect(await shrink([1, 2, 3], { ...options, fails: async () => true })).toEqual([]);
});

it('makes what is left simpler, until nothing simpler fails', async () => {
  const fails = async (items: readonly number[]) => items.some((n) => n >= 7);
  const simpler = (n: number) => (n > 0 ? [Math.floor(n / 2), n - 1] : []);
  expect(await shrink([1, 100, 3], { fails, simpler, attemptsMax: 1000 })).toEqual([7]);
});

it('asks no more often than it may', async () => {
  let asked = 0;
  const fails = async (items: readonly number[]) => {
    asked++;
    return items.includes(50);
  };
  await shrink(
    Array.from({ length: 100 }, (_, i) => i),
    { fails, simpler: noSimpler, attemptsMax: 10 },
  );
  expect(asked).toBe(10);
});
