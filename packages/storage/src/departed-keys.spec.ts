import { expect, it } from 'vitest';
import { DepartedKeys } from './departed-keys.js';
import { hashBytes } from './hash-bytes.js';

const unlimited = Number.POSITIVE_INFINITY;

function hashOf(name: string): number {
  const bytes = Buffer.from(name);
  return hashBytes(bytes, 0, bytes.length, 7);
}

it('knows every key that was added, and takes few others for one', () => {
  const keys = new DepartedKeys();
  const count = 1_500_000;
  for (let i = 0; i < count; i++) keys.add(hashOf(`key:${i}`), unlimited);
  for (let i = 0; i < count; i++) if (!keys.mayHave(hashOf(`key:${i}`))) throw new Error(`key:${i} is lost`);
  let wrong = 0;
  for (let i = 0; i < 100_000; i++) if (keys.mayHave(hashOf(`other:${i}`))) wrong++;
  expect(wrong).toBeLessThan(2000);
  // 16 bits a key, and room for more.
  expect(keys.usedBytes).toBeLessThan(count * 8);
});

it('says when it can take no more', () => {
  const keys = new DepartedKeys();
  const bytesMax = 1_500_000;
  let added = 0;
  while (keys.add(hashOf(`key:${added}`), bytesMax)) added++;
  expect(keys.usedBytes).toBeLessThanOrEqual(bytesMax);
  expect(keys.usedBytes).toBeGreaterThan(bytesMax * 0.95);
  for (let i = 0; i < added; i++) if (!keys.mayHave(hashOf(`key:${i}`))) throw new Error(`key:${i} is lost`);
  // 16 bits a key, and 3 in the last layer; some were taken for others.
  expect(added).toBeGreaterThan((keys.usedBytes * 8) / 8);
  expect(added).toBeLessThan((keys.usedBytes * 8) / 2);
});

it('takes more and more keys for one of its own where there is no room, and not all at once', () => {
  const keys = new DepartedKeys();
  const bytesMax = 1_500_000;
  const wrongWith = (bitsPerKey: number): number => {
    const count = (bytesMax * 8) / bitsPerKey;
    for (let i = 0; i < count; i++) keys.add(hashOf(`key:${i}`), bytesMax);
    let wrong = 0;
    for (let i = 0; i < 100_000; i++) if (keys.mayHave(hashOf(`other:${i}`))) wrong++;
    return wrong / 100_000;
  };
  expect(wrongWith(16)).toBeLessThan(0.02);
  expect(wrongWith(8)).toBeLessThan(0.1);
  expect(wrongWith(4)).toBeLessThan(0.5);
});
