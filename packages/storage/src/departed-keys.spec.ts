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
  expect(wrong).toBeLessThan(1200);
  // 16 bits a key, and room for more.
  expect(keys.usedBytes).toBeLessThan(count * 4);
});

it('says when it can take no more', () => {
  const keys = new DepartedKeys();
  const bytesMax = 3 * 512 * 1024;
  let added = 0;
  while (keys.add(hashOf(`key:${added}`), bytesMax)) added++;
  expect(added).toBeGreaterThan(3 * 262_144 * 0.99);
  expect(added).toBeLessThan(3 * 262_144 * 1.02);
  expect(keys.usedBytes).toBe(bytesMax);
});
