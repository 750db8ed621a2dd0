import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { KeyNames } from './key-names.js';

function contentOf(names: KeyNames): [string, number][] {
  const content: [string, number][] = [];
  names.forEach((bytes, start, length, expiryMs) => {
    content.push([Buffer.from(bytes).toString('latin1', start, start + length), expiryMs]);
  });
  return content;
}

it('names are what was added and not dropped, in that order', () => {
  const random = new SeededRandom(1);
  const names = new KeyNames();
  let expected: [string, number][] = [];
  for (let i = 0; i < 2000; i++) {
    // As long as a key may be, now and then: larger than a chunk with its word.
    const length = i % 1000 === 999 ? 0xfffff : random.uint32() % 200;
    const name = `${i}`.padEnd(length, String.fromCharCode(random.uint32() % 256));
    const expiryMs = random.uint32() % 3 === 0 ? 1.7e12 + i : 0;
    const bytes = Buffer.from(`<${name}>`, 'latin1');
    names.add(bytes, 1, bytes.length - 2, expiryMs);
    expected.push([name, expiryMs]);
  }
  for (const digit of ['7', '3']) {
    names.drop((bytes, start) => bytes[start] === digit.charCodeAt(0));
    expected = expected.filter(([name]) => !name.startsWith(digit));
    expect(names.count).toBe(expected.length);
  }
  names.add(Buffer.alloc(0), 0, 0, 0);
  expected.push(['', 0]);
  expect(names.count).toBe(expected.length);
  const content = contentOf(names);
  expect(content.length).toBe(expected.length);
  expect(content.every(([name, expiryMs], i) => name === expected[i][0] && expiryMs === expected[i][1])).toBe(
    true,
  );
});
