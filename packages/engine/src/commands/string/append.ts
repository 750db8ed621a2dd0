import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';
import { putArgument } from './put-bytes.js';

export const stringTooLong = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';

export const append = defineCommand({
  id: 112,
  name: 'APPEND',
  group: 'string',
  since: '2.0.0',
  complexity: 'O(1), amortized',
  summary: 'Appends a string to the value of a key. Creates the key if it does not exist.',
  flags: ['write', 'denyoom', 'fast'],
  args: { key: key('RW', 'insert'), value: bytes() },
  run(ctx, { key, value }, reply) {
    const { db, kv, request } = ctx;
    const ref = ctx.string(key);
    if (ref < 0) return;
    const added = request.length(value);
    if (ref === 0) {
      putArgument(ctx, 0, key, value, 0);
      ctx.notify('$', 'append', key);
      return reply.integer(added);
    }
    const oldLength = db.stringLength(ref);
    const length = oldLength + added;
    if (length > kv.config.number('proto-max-bulk-len')) return reply.error(stringTooLong);
    // Nothing appended is a write all the same, which breaks WATCH, as in Redis.
    db.patchString(ref, length, oldLength, request.bytes, request.start(value), added);
    ctx.notify('$', 'append', key);
    reply.integer(length);
  },
});
