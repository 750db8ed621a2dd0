import { expect, it } from 'vitest';
import { decodeFileHead, encodeFileHead, FrameHead, frameBytes, frameKinds } from './frame.js';

it('a frame head comes back as it was, and any flipped bit or other salt voids it', () => {
  const bytes = new Uint8Array(48);
  const head = new FrameHead();
  head.kind = frameKinds.seal;
  head.length = 0x40000000;
  head.checksum = 0xfedcba98;
  head.position = Number.MAX_SAFE_INTEGER;
  head.epoch = 2 ** 40 + 5;
  head.durable = Number.MAX_SAFE_INTEGER - 1;
  head.encode(bytes, 8, 0xdeadbeef);
  const copy = new FrameHead();
  expect(copy.decode(bytes, 8, 0xdeadbeef)).toBe(true);
  expect(copy).toEqual(head);
  expect(copy.decode(bytes, 8, 0xdeadbeee)).toBe(false);
  for (let bit = 0; bit < 40 * 8; bit++) {
    // Byte 7 of the head is spare but checked as well.
    bytes[8 + (bit >> 3)] ^= 1 << (bit & 7);
    expect(copy.decode(bytes, 8, 0xdeadbeef)).toBe(false);
    bytes[8 + (bit >> 3)] ^= 1 << (bit & 7);
  }
});

it('frames start at multiples of 8', () => {
  expect([0, 1, 8, 9, 0x40000000].map(frameBytes)).toEqual([40, 48, 48, 56, 0x40000028]);
});

it('a file head says version and salt, and a damaged one nothing', () => {
  const bytes = encodeFileHead(77);
  expect(decodeFileHead(bytes)).toEqual({ version: 1, salt: 77 });
  for (let at = 0; at < 20; at++) {
    bytes[at] ^= 4;
    expect(decodeFileHead(bytes)).toBeNull();
    bytes[at] ^= 4;
  }
  expect(decodeFileHead(bytes.subarray(0, 63))).toBeNull();
});
