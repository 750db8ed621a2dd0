import { byteStringOf } from '@holdfast/common';
import { stringForms } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { key, notADouble, unparsedDouble } from '../../grammar.js';
import { addLongDoubles, formatLongDouble, parseLongDouble } from '../../long-double.js';
import { putBytes } from './put-bytes.js';

export const incrbyfloat = defineCommand({
  id: 120,
  name: 'INCRBYFLOAT',
  group: 'string',
  since: '2.6.0',
  complexity: 'O(1)',
  summary:
    "Increments the floating point value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  args: { key: key('RW', 'access', 'update'), increment: unparsedDouble() },
  run(ctx, args, reply) {
    const { db, request } = ctx;
    const ref = ctx.string(args.key);
    if (ref < 0) return;
    let text = '0';
    if (ref !== 0) {
      db.readString(ref);
      text = byteStringOf(db.valueBytes, db.valueStart, db.valueLength);
    }
    const value = parseLongDouble(text);
    const increment = parseLongDouble(request.byteString(args.increment));
    if (value === null || increment === null) return reply.error(notADouble);
    const sum = addLongDoubles(value, increment);
    if (sum === null) return reply.error('ERR increment would produce NaN or Infinity');
    const printed = Buffer.from(formatLongDouble(sum), 'latin1');
    const expiryMs = ref === 0 ? 0 : db.expiry(ref);
    putBytes(ctx, ref, args.key, printed, 0, printed.length, expiryMs, stringForms.text);
    ctx.propagation?.instead('SET', request.view(args.key), printed, 'KEEPTTL');
    ctx.notify('$', 'incrbyfloat', args.key);
    reply.bulk(printed, 0, printed.length);
  },
});
