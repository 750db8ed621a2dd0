import { expect, it } from 'vitest';
import { allocateLarge, allocateRoomy, LargeString } from './large-string.js';

const mebibyte = 1024 * 1024;
const of = (text: string): LargeString => new LargeString(Buffer.from(text), text.length);

it('grows with room to spare, so that appending again and again copies little', () => {
  const string = of('ab'.repeat(500));
  expect(string.resize(1001)).toBe(1000);
  expect([string.length, string.bytes.length]).toEqual([1001, 2000]);
  expect(string.bytes.toString('latin1', 0, 1000)).toBe('ab'.repeat(500));
  const { bytes } = string;
  expect(string.resize(2000)).toBe(0);
  expect(string.bytes).toBe(bytes);
});

it('of many megabytes was moved for a byte more, and again after some of them', () => {
  const length = 20 * mebibyte;
  const string = new LargeString(allocateRoomy(length), length);
  const { bytes } = string;
  expect(string.usedBytes).toBe(length);
  let grown = 0;
  for (let i = 1; i <= 20; i++) grown += string.resize(length + i * mebibyte);
  expect(string.bytes).toBe(bytes);
  expect([grown, string.usedBytes]).toEqual([length, 2 * length]);
  expect(string.resize(2 * length + 1)).toBe(1);
  expect(string.bytes.length).toBeGreaterThan(4 * length);
});

it('grows to many megabytes by as much again as there is', () => {
  const string = of('ab');
  const sizes = new Set<number>();
  for (let length = 2; length < 100 * mebibyte; length += 100_000) {
    string.resize(length);
    sizes.add(string.bytes.length);
  }
  expect(sizes.size).toBeLessThan(16);
  expect(string.usedBytes).toBe(string.length);
});

it('keeps its buffer when it becomes shorter', () => {
  const string = of('abcd');
  expect(string.resize(1)).toBe(0);
  expect([string.length, string.bytes.length]).toEqual([1, 4]);
});

it('says that there is no memory, and stays as it was', () => {
  const string = of('abcd');
  expect(() => string.resize(2 ** 60)).toThrow(expect.objectContaining({ code: 'LIMIT' }));
  expect([string.length, string.bytes.toString()]).toEqual([4, 'abcd']);
  expect(() => allocateLarge(2 ** 60)).toThrow(expect.objectContaining({ code: 'LIMIT' }));
});
