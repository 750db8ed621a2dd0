import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { compress, decompress, isPlausible } from './lzf.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** What `compress` makes of a text, in hexadecimal; empty when it can't be made shorter. */
function compressed(source: Uint8Array): Buffer {
  const target = Buffer.alloc(source.length);
  return target.subarray(0, compress(source, 0, source.length, target, source.length - 4));
}

it('compresses to the bytes that Redis writes', () => {
  // From payloads of redis-server 7.2: the strings behind 0xc3 and the two lengths.
  expect(compressed(Buffer.from('a'.repeat(137))).toString('hex')).toBe('016161e07c00016161');
  expect(compressed(Buffer.from('abc'.repeat(20))).toString('hex')).toBe('0361626361e02d02016263');
  expect(compressed(Buffer.from('no repetition here')).length).toBe(0);
});

it(`gives back what it was given, and not what was damaged (HOLDFAST_SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 2000; round++) {
    const source = random.fill(Buffer.alloc(20 + randomBelow(random, round % 20 === 0 ? 20_000 : 300)));
    const letters = 1 + randomBelow(random, 6);
    for (let i = 0; i < source.length; i++) source[i] %= letters;
    const packed = compressed(source);
    if (packed.length === 0) continue;
    const target = Buffer.alloc(source.length);
    expect(isPlausible(packed.length, source.length)).toBe(true);
    expect(decompress(packed, 0, packed.length, target)).toBe(true);
    expect(target.equals(source)).toBe(true);
    expect(decompress(packed, 0, packed.length, Buffer.alloc(source.length + 1))).toBe(false);
    expect(decompress(packed, 0, packed.length, Buffer.alloc(source.length - 1))).toBe(false);
    packed[randomBelow(random, packed.length)] = random.uint32() & 255;
    decompress(packed, 0, packed.length, target);
  }
});
