import { stringForms, valueTypes } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { type Context, wrongType } from '../../context.js';
import { key, type Repeated, repeat, requiredWord } from '../../grammar.js';
import { type BitOperation, bitOperations, combineBits } from './bit-words.js';

interface Source {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

const nothing: Source = { bytes: new Uint8Array(0), start: 0, length: 0 };

/** The strings of the keys, where they lie; null when one is no string. */
function readSources(ctx: Context, keys: Repeated): Source[] | null {
  const { db } = ctx;
  const sources: Source[] = [];
  for (let i = 0; i < keys.count; i++) {
    const ref = ctx.read(keys.first + i);
    if (ref === 0) {
      sources.push(nothing);
      continue;
    }
    if (db.type(ref) !== valueTypes.string) return null;
    db.readString(ref);
    sources.push({ bytes: db.valueBytes, start: db.valueStart, length: db.valueLength });
  }
  return sources;
}

/** All sources combined; where one ends before the others it goes on with clear bits. */
function combine(operation: BitOperation, sources: readonly Source[], length: number): Buffer {
  const result = Buffer.allocUnsafeSlow(length);
  const [first, ...others] = sources;
  result.fill(0, first.length);
  if (operation === 'NOT') {
    combineBits(operation, result, first.bytes, first.start, length);
    return result;
  }
  result.set(first.bytes.subarray(first.start, first.start + first.length));
  for (const source of others) {
    combineBits(operation, result, source.bytes, source.start, source.length);
    if (operation === 'AND') result.fill(0, source.length);
  }
  return result;
}

export const bitop = defineCommand({
  id: 184,
  name: 'BITOP',
  group: 'bitmap',
  since: '2.6.0',
  complexity: 'O(N)',
  summary: 'Performs bitwise operations on multiple strings, and stores the result.',
  flags: ['write', 'denyoom'],
  args: {
    operation: requiredWord(...bitOperations),
    destkey: key('OW', 'update'),
    key: repeat(key('RO', 'access')),
  },
  run(ctx, { operation, destkey, key }, reply) {
    const { db, request } = ctx;
    if (operation === 'NOT' && key.count !== 1) {
      return reply.error('ERR BITOP NOT must be called with a single source key.');
    }
    const sources = readSources(ctx, key);
    if (sources === null) return reply.error(wrongType);
    const length = sources.reduce((longest, source) => Math.max(longest, source.length), 0);
    ctx.storage.journal?.admit(length);
    const result = length === 0 ? null : combine(operation, sources, length);
    const ref = ctx.find(destkey);
    if (result !== null) {
      const [at, keyLength] = [request.start(destkey), request.length(destkey)];
      db.putOwnedString(ref, request.bytes, at, keyLength, result, 0, stringForms.raw);
      ctx.notify('$', 'set', destkey);
    } else if (ref !== 0) {
      db.remove(ref);
      ctx.notify('g', 'del', destkey);
    }
    reply.integer(length);
  },
});
