import type { Random } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import { countDense, countSparse, estimate } from './cardinality.js';
import { denseBytes, denseRegister, registerCount, setDenseRegister } from './registers.js';
import { Sketch } from './sketch.js';

const rounds = 20;
const elementsMax = 1_000_000;
/** A larger sparse sketch takes too long to be tested while everybody waits. */
const sparseBytesLimit = 3000;
/** The standard error of an estimate. */
const standardError = 1.04 / Math.sqrt(registerCount);

/** Sets all registers to anything, and reads them back. */
function testRegisters(random: Random): string | null {
  const bytes = Buffer.alloc(denseBytes);
  for (let round = 0; round < rounds; round++) {
    const values = Uint8Array.from({ length: registerCount }, () => random.uint32() & 63);
    values.forEach((value, i) => {
      setDenseRegister(bytes, i, value);
    });
    for (let i = 0; i < registerCount; i++) {
      const found = denseRegister(bytes, 0, i);
      if (found !== values[i]) return `Register ${i} should be ${values[i]} but is ${found}`;
    }
  }
  return null;
}

function estimateOf({ bytes, isDense, length }: Sketch): number {
  if (isDense) countDense(bytes, 0);
  else countSparse(bytes, 0, length);
  return estimate();
}

/** Counts more and more different elements with a dense and a sparse sketch, and compares at each power of ten. */
function testEstimates(random: Random, sparseMaxBytes: number): string | null {
  const [dense, sparse] = [new Sketch(), new Sketch()];
  dense.create();
  dense.toDense();
  sparse.create();
  const element = Buffer.alloc(8);
  element.writeUInt32LE(random.uint32(), 4);
  const start = random.uint32();
  let checkpoint = 1;
  for (let n = 1; n <= elementsMax; n++) {
    element.writeUInt32LE((start ^ n) >>> 0, 0);
    dense.add(element, 0, 8, sparseMaxBytes);
    sparse.add(element, 0, 8, sparseMaxBytes);
    if (n !== checkpoint) continue;
    if (n < sparseMaxBytes / 2 && sparse.isDense) return 'sparse encoding not used';
    const found = estimateOf(dense);
    if (found !== estimateOf(sparse)) return 'dense/sparse disagree';
    const errorMax = n === 10 ? 1 : Math.ceil(standardError * 6 * n);
    const error = Math.abs(found - n);
    if (error > errorMax) return `Too big error. card:${n} abserr:${error}`;
    checkpoint *= 10;
  }
  return null;
}

export const pfselftest = defineCommand({
  id: 174,
  name: 'PFSELFTEST',
  group: 'hyperloglog',
  since: '2.8.9',
  complexity: 'N/A',
  summary: 'An internal command for testing HyperLogLog values.',
  flags: ['admin'],
  args: {},
  run({ env, kv }, _args, reply) {
    const sparseMaxBytes = Math.min(kv.config.number('hll-sparse-max-bytes'), sparseBytesLimit);
    const problem = testRegisters(env.random) ?? testEstimates(env.random, sparseMaxBytes);
    if (problem === null) reply.ok();
    else reply.error(`ERR TESTFAILED ${problem}`);
  },
});
