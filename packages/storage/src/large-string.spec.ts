import { expect, it } from 'vitest';
import { allocateLarge, LargeString } from './large-string.js';

it('grows with room to spare, so that appending again and again copies little', () => {
  const string = new LargeString(Buffer.from('ab'.repeat(500)));
  expect(string.resize(1001)).toBe(1000);
  expect([string.length, string.bytes.length]).toEqual([1001, 2000]);
  expect(string.bytes.toString('latin1', 0, 1000)).toBe('ab'.repeat(500));
  const { bytes } = string;
  expect(string.resize(2000)).toBe(0);
  expect(string.bytes).toBe(bytes);
});

it('keeps its buffer when it becomes shorter', () => {
  const string = new LargeString(Buffer.from('abcd'));
  expect(string.resize(1)).toBe(0);
  expect([string.length, string.bytes.length]).toEqual([1, 4]);
});

it('says that there is no memory, and stays as it was', () => {
  const string = new LargeString(Buffer.from('abcd'));
  expect(() => string.resize(2 ** 60)).toThrow(expect.objectContaining({ code: 'LIMIT' }));
  expect([string.length, string.bytes.toString()]).toEqual([4, 'abcd']);
  expect(() => allocateLarge(2 ** 60)).toThrow(expect.objectContaining({ code: 'LIMIT' }));
});
