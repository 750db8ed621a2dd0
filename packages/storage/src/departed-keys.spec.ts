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
  expect(added).toBeGreaterThan(keys.usedBytes / 2);
  expect(added).toBeLessThan((keys.usedBytes / 2) * 1.1);
});
