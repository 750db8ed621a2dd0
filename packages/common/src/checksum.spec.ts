import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { checksum } from './checksum.js';
import { SeededRandom } from './testing/index.js';

it('is the same by both roads, at every length and split', () => {
  const bytes = new SeededRandom(7).fill(new Uint8Array(400));
  for (let length = 0; length <= 400; length++) {
    const expected = crc32(bytes.subarray(0, length));
    expect(checksum(bytes, 0, length, 0)).toBe(expected);
    const split = length >> 1;
    expect(checksum(bytes, split, length, checksum(bytes, 0, split, 0))).toBe(expected);
  }
});
