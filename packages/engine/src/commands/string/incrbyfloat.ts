import { parseDouble } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import { double, key, notADouble } from '../../grammar.js';
import { formatLongDouble } from './long-double.js';
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
  args: { key: key('RW', 'access', 'update'), increment: double() },
  run(ctx, { key, increment }, reply) {
    const { db } = ctx;
    const ref = ctx.string(key);
    if (ref < 0) return;
    let value = 0;
    if (ref !== 0) {
      db.readString(ref);
      value = parseDouble(db.valueBytes, db.valueStart, db.valueLength);
      if (Number.isNaN(value)) return reply.error(notADouble);
    }
    const sum = value + increment;
    if (!Number.isFinite(sum)) return reply.error('ERR increment would produce NaN or Infinity');
    const text = Buffer.from(formatLongDouble(sum), 'latin1');
    putBytes(ctx, ref, key, text, 0, text.length, ref === 0 ? 0 : db.expiry(ref));
    ctx.notify('$', 'incrbyfloat', key);
    reply.bulk(text, 0, text.length);
  },
});
