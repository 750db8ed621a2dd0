import { randomBelow } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { hash, hashElement } from './murmur-hash.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const { random } = new SimulatedEnv(seed);

/** The same as its author wrote it, in numbers of 64 bits. */
function simpleHash(bytes: Uint8Array): bigint {
  const multiplier = 0xc6a4a7935bd1e995n;
  const times = (n: bigint): bigint => BigInt.asUintN(64, n * multiplier);
  let h = 0xadc83b19n ^ times(BigInt(bytes.length));
  const words = bytes.length >> 3;
  for (let i = 0; i < words; i++) {
    let k = times(Buffer.from(bytes).readBigUInt64LE(i * 8));
    k ^= k >> 47n;
    h = times(h ^ times(k));
  }
  const rest = bytes.subarray(words * 8);
  rest.forEach((byte, i) => {
    h ^= BigInt(byte) << BigInt(8 * i);
  });
  if (rest.length > 0) h = times(h);
  h = times(h ^ (h >> 47n));
  return h ^ (h >> 47n);
}

it(`hashes as MurmurHash64A does (HOLDFAST_SEED=${seed})`, () => {
  for (let round = 0; round < 5000; round++) {
    const bytes = random.fill(Buffer.alloc(randomBelow(random, 40)));
    const start = randomBelow(random, 5);
    const around = Buffer.concat([Buffer.alloc(start, 0xee), bytes, Buffer.from('after')]);
    hashElement(around, start, bytes.length);
    expect((BigInt(hash.high) << 32n) | BigInt(hash.low)).toBe(simpleHash(bytes));
  }
});
