import { byteStringOf } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import { key, notADouble, shortBytes, unparsedDouble } from '../../grammar.js';
import { addLongDoubles, formatLongDouble, parseLongDouble } from '../../long-double.js';
import { findHash, view, viewField } from './hashes.js';
import { putSum } from './incrementing.js';

export const hincrbyfloat = defineCommand({
  id: 213,
  name: 'HINCRBYFLOAT',
  group: 'hash',
  since: '2.6.0',
  complexity: 'O(1)',
  summary:
    "Increments the floating point value of a field by a number. Uses 0 as initial value if the field doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  elements: { first: 2, step: 2 },
  args: { key: key('RW', 'access', 'update'), field: shortBytes(), increment: unparsedDouble() },
  run(ctx, { key, field, increment }, reply) {
    const { request } = ctx;
    const by = parseLongDouble(request.byteString(increment));
    if (by === null) return reply.error(notADouble);
    if (by.exponent === Number.POSITIVE_INFINITY) return reply.error('ERR value is NaN or Infinity');
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    const entry = viewField(hash, request, field);
    const text = entry === 0 ? '0' : byteStringOf(view.valueBytes, view.valueStart, view.valueLength);
    const value = parseLongDouble(text);
    if (value === null) return reply.error('ERR hash value is not a float');
    const sum = addLongDoubles(value, by);
    if (sum === null) return reply.error('ERR increment would produce NaN or Infinity');
    const printed = Buffer.from(formatLongDouble(sum), 'latin1');
    putSum(ctx, key, hash, entry, field, printed, printed.length);
    ctx.propagation?.instead('HSET', request.view(key), request.view(field), printed);
    ctx.notify('h', 'hincrbyfloat', key);
    reply.bulk(printed, 0, printed.length);
  },
});
