import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { ListpackReader, ListpackWriter } from './listpack.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

function pack(...texts: readonly string[]): Buffer {
  const writer = new ListpackWriter();
  writer.begin();
  for (const text of texts) {
    const bytes = Buffer.from(text, 'latin1');
    writer.add(bytes, 0, bytes.length);
  }
  writer.end();
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

function unpack(packed: Buffer): string[] {
  const reader = new ListpackReader(packed);
  const texts: string[] = [];
  while (reader.next()) {
    texts.push(
      Buffer.from(reader.bytes.subarray(reader.start, reader.start + reader.length)).toString('latin1'),
    );
  }
  return texts;
}

const integers = [0, 127, 128, -1, 4095, 4096, -4096, -4097, 32767, -32768, 32768, 8388607, -8388609]
  .concat(2147483647, -2147483648, 2147483648, Number.MAX_SAFE_INTEGER)
  .map(String)
  .concat('9223372036854775807', '-9223372036854775808');

describe('a listpack', () => {
  it('has the bytes of Redis', () => {
    expect(pack('a', '1', '-300', 'field').toString('hex')).toBe(
      '1600000004008161020101ded402856669656c6406ff',
    );
  });

  it('holds integers of all widths, and texts that only look like some', () => {
    const odd = ['', '01', '-0', '+1', '1.5', '9223372036854775808', ' 1', '12345678901234567890'];
    expect(unpack(pack(...integers, ...odd))).toEqual([...integers, ...odd]);
  });

  it('holds strings of all lengths', () => {
    const texts = [63, 64, 126, 127, 128, 4095, 4096, 16_380, 16_390, 2_097_151].map((n) => 'x'.repeat(n));
    expect(unpack(pack(...texts))).toEqual(texts);
  });

  it('does not know how many elements it has when they are many', () => {
    const texts = Array.from({ length: 70_000 }, () => '1');
    expect(unpack(pack(...texts))).toHaveLength(70_000);
  });

  it(`is not read beyond its end, however it is damaged (HOLDFAST_SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 5000; round++) {
      const packed = pack('abc', 'x'.repeat(70), ...integers.slice(0, randomBelow(random, 8)));
      const flips = 1 + randomBelow(random, 3);
      for (let i = 0; i < flips; i++) packed[randomBelow(random, packed.length)] = random.uint32() & 255;
      const cut = randomBelow(random, 3) === 0 ? randomBelow(random, packed.length) : packed.length;
      try {
        for (const text of unpack(packed.subarray(0, cut))) expect(text.length).toBeLessThan(packed.length);
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPT' });
      }
    }
  });
});
