import { expect, it } from 'vitest';
import { returnMemory } from './returned-memory.js';

const mebibyte = 1024 * 1024;

it('of large buffers was there until they were collected', async () => {
  const before = process.memoryUsage.rss();
  const kept: Buffer[] = [];
  for (let i = 0; i < 8; i++) {
    const buffer = Buffer.allocUnsafeSlow(64 * mebibyte);
    buffer.fill(1);
    kept.push(buffer, buffer.subarray(10));
    returnMemory(buffer);
  }
  expect(kept.map(({ length }) => length)).toEqual(Array(16).fill(0));
  await expect.poll(() => process.memoryUsage.rss() - before).toBeLessThan(128 * mebibyte);
});

it('of a small buffer, and what others share, stays', () => {
  const small = Buffer.allocUnsafeSlow(1024);
  returnMemory(small);
  expect(small.length).toBe(1024);
  const shared = Buffer.from(new SharedArrayBuffer(64 * mebibyte));
  returnMemory(shared);
  expect(shared.length).toBe(64 * mebibyte);
});
