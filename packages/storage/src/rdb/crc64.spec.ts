import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { Crc64 } from './crc64.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Bit by bit. */
function simpleCrc(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
  }
  return crc;
}

function crcOf(...parts: readonly Uint8Array[]): bigint {
  const crc = new Crc64();
  for (const part of parts) crc.update(part, 0, part.length);
  const written = Buffer.alloc(8);
  crc.writeTo(written, 0);
  expect(crc.equals(written, 0)).toBe(true);
  return written.readBigUInt64LE();
}

it('is the checksum that Redis uses', () => {
  expect(crcOf(Buffer.from('123456789'))).toBe(0xe9c6d914c4b8d9can);
});

it(`is the same bit by bit, and in parts (HOLDFAST_SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 500; round++) {
    const bytes = random.fill(Buffer.alloc(random.uint32() % 100));
    const cut = random.uint32() % (bytes.length + 1);
    expect(crcOf(bytes.subarray(0, cut), bytes.subarray(cut))).toBe(simpleCrc(bytes));
  }
});
