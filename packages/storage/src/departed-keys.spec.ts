import { expect, it } from 'vitest';
import { DepartedKeys } from './departed-keys.js';

it('knows every name that was added, and takes few others for one', () => {
  const keys = new DepartedKeys();
  for (let i = 0; i < 300_000; i++) keys.add(`key:${i}`);
  for (let i = 0; i < 300_000; i++) if (!keys.mayHave(`key:${i}`)) throw new Error(`key:${i} is lost`);
  let wrong = 0;
  for (let i = 0; i < 100_000; i++) if (keys.mayHave(`other:${i}`)) wrong++;
  expect(wrong).toBeLessThan(1500);
  // 16 bits a key, and room for more.
  expect(keys.usedBytes).toBeLessThan(300_000 * 8);
  keys.clear();
  expect([keys.mayHave('key:1'), keys.usedBytes]).toEqual([false, 0]);
});

it('says when it can take no more', () => {
  const keys = new DepartedKeys(1);
  let added = 0;
  while (!keys.isFull) keys.add(`key:${added++}`);
  expect(added).toBeGreaterThan(60_000);
  expect(added).toBeLessThan(70_000);
});
