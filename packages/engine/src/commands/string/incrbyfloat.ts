import { byteStringOf } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import { bytes, key, notADouble } from '../../grammar.js';
import { addLongDoubles, formatLongDouble, type LongDouble, parseLongDouble } from './long-double.js';
import { putBytes } from './put-bytes.js';

const zero: LongDouble = { mantissa: 0n, exponent: 0 };
const infinity = /^[+-]?inf(inity)?$/i;
const notFinite = 'ERR increment would produce NaN or Infinity';

export const incrbyfloat = defineCommand({
  id: 120,
  name: 'INCRBYFLOAT',
  group: 'string',
  since: '2.6.0',
  complexity: 'O(1)',
  summary:
    "Increments the floating point value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  args: { key: key('RW', 'access', 'update'), increment: bytes() },
  run(ctx, args, reply) {
    const { db, request } = ctx;
    const ref = ctx.string(args.key);
    if (ref < 0) return;
    let value: LongDouble | null = zero;
    if (ref !== 0) {
      db.readString(ref);
      value = parseLongDouble(byteStringOf(db.valueBytes, db.valueStart, db.valueLength));
      if (value === null) return reply.error(notADouble);
    }
    const text = request.byteString(args.increment);
    const increment = parseLongDouble(text);
    if (increment === null) return reply.error(infinity.test(text) ? notFinite : notADouble);
    const sum = addLongDoubles(value, increment);
    if (sum === null) return reply.error(notFinite);
    const printed = Buffer.from(formatLongDouble(sum), 'latin1');
    putBytes(ctx, ref, args.key, printed, 0, printed.length, ref === 0 ? 0 : db.expiry(ref));
    ctx.notify('$', 'incrbyfloat', args.key);
    reply.bulk(printed, 0, printed.length);
  },
});
