import { digitCount, parseBigInteger, parseInteger, writeInteger } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import { integer, key, shortBytes } from '../../grammar.js';
import { findHash, view, viewField } from './hashes.js';
import { putSum } from './incrementing.js';

const scratch = Buffer.allocUnsafeSlow(32);
const int64Max = 9223372036854775807n;
const int64Min = -9223372036854775808n;

export const hincrby = defineCommand({
  id: 212,
  name: 'HINCRBY',
  group: 'hash',
  since: '2.0.0',
  complexity: 'O(1)',
  summary:
    "Increments the integer value of a field in a hash by a number. Uses 0 as initial value if the field doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  elements: { first: 2, step: 2 },
  args: { key: key('RW', 'access', 'update'), field: shortBytes(), increment: integer() },
  run(ctx, { key, field, increment }, reply) {
    const { request } = ctx;
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    const entry = viewField(hash, request, field);
    let value = 0;
    if (entry !== 0) value = parseInteger(view.valueBytes, view.valueStart, view.valueLength);
    if (value !== value) return reply.error('ERR hash value is not an integer');
    const sum = value + increment;
    if (Number.isSafeInteger(value) && Number.isSafeInteger(increment) && Number.isSafeInteger(sum)) {
      const length = digitCount(sum < 0 ? -sum : sum) + (sum < 0 ? 1 : 0);
      writeInteger(scratch, 0, sum);
      putSum(ctx, key, hash, entry, field, scratch, length);
      reply.integer(sum);
    } else {
      const exact = exactSum(entry, request.view(field + 1));
      if (exact > int64Max || exact < int64Min) {
        return reply.error('ERR increment or decrement would overflow');
      }
      putSum(ctx, key, hash, entry, field, scratch, scratch.write(exact.toString(), 'latin1'));
      reply.bigInteger(exact);
    }
    ctx.notify('h', 'hincrby', key);
  },
});

/** The integer that `view` points at, if there is an entry, plus another one. */
function exactSum(entry: number, increment: Uint8Array): bigint {
  const value = entry === 0 ? 0n : parseBigInteger(view.valueBytes, view.valueStart, view.valueLength);
  return (value as bigint) + (parseBigInteger(increment, 0, increment.length) as bigint);
}
