import type { Reply } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { key, type Repeated, repeat } from '../../grammar.js';
import { countDense, countSparse, countWords, estimate } from './cardinality.js';
import { cardinalityAt, encodingAt, encodings, registerCount } from './registers.js';
import { hasCardinality, mergeInto } from './sketch.js';
import { corruptSketch, findSketch } from './sketches.js';

const registers = new Uint8Array(registerCount);
const registerWords = new Uint32Array(registers.buffer);
const cardinality = Buffer.alloc(8);

/** What of damaged registers has no number that fits: Redis on x86-64 says the smallest integer. */
const tooLarge = 2n ** 63n;

function countOne(ctx: Context, key: number, reply: Reply): void {
  const { db } = ctx;
  const ref = findSketch(ctx, key, true);
  if (ref < 0) return;
  if (ref === 0) return reply.integer(0);
  db.markRaw(ref);
  const { valueBytes: bytes, valueStart: start, valueLength: length } = db;
  if (hasCardinality(bytes, start)) {
    cardinality.set(bytes.subarray(start + cardinalityAt, start + cardinalityAt + 8));
    return replyCardinality(reply);
  }
  if (bytes[start + encodingAt] === encodings.dense) countDense(bytes, start);
  else if (!countSparse(bytes, start, start + length)) return reply.error(corruptSketch);
  writeCardinality(estimate());
  // What was worked out is kept, unless nothing may be written for now.
  if (ctx.host.refusal === null) db.patchString(ref, length, cardinalityAt, cardinality, 0, 8);
  replyCardinality(reply);
}

function countUnion(ctx: Context, keys: Repeated, reply: Reply): void {
  const { db } = ctx;
  registers.fill(0);
  for (let i = 0; i < keys.count; i++) {
    const ref = findSketch(ctx, keys.first + i, true);
    if (ref < 0) return;
    if (ref === 0) continue;
    if (!mergeInto(registers, db.valueBytes, db.valueStart, db.valueLength)) {
      return reply.error(corruptSketch);
    }
  }
  countWords(registerWords);
  writeCardinality(estimate());
  replyCardinality(reply);
}

function writeCardinality(n: number): void {
  cardinality.writeBigUInt64LE(n < Number(tooLarge) ? BigInt(n) : tooLarge);
}

function replyCardinality(reply: Reply): void {
  const n = cardinality.readBigInt64LE();
  const small = Number(n);
  if (Number.isSafeInteger(small)) reply.integer(small);
  else reply.bigInteger(n);
}

export const pfcount = defineCommand({
  id: 171,
  name: 'PFCOUNT',
  group: 'hyperloglog',
  since: '2.8.9',
  complexity:
    'O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, and much bigger constant times, when called with multiple keys.',
  summary: 'Returns the approximated cardinality of the set(s) observed by the HyperLogLog key(s).',
  flags: ['readonly', 'may_replicate'],
  keySpecs: [
    {
      access: 'RW',
      uses: ['access'],
      begin: { index: 1 },
      find: { lastKey: -1, step: 1, limit: 0 },
      notes: 'RW because it may change the internal representation of the key, and propagate to replicas',
    },
  ],
  args: { key: repeat(key('RW', 'access')) },
  run(ctx, { key }, reply) {
    if (key.count === 1) countOne(ctx, key.first, reply);
    else countUnion(ctx, key, reply);
  },
});
