import { defineCommand } from '../../command.js';
import { bytes, integer, key } from '../../grammar.js';
import { stringTooLong } from './append.js';
import { patchBytes } from './put-bytes.js';

export const setrange = defineCommand({
  id: 113,
  name: 'SETRANGE',
  group: 'string',
  since: '2.2.0',
  complexity: 'O(M) where M is the length of the value argument',
  summary:
    'Overwrites a part of a string value with another by an offset. Creates the key if it does not exist.',
  flags: ['write', 'denyoom'],
  args: { key: key('RW', 'update'), offset: integer(), value: bytes() },
  run(ctx, { key, offset, value }, reply) {
    const { db, kv, request } = ctx;
    if (offset < 0) return reply.error('ERR offset is out of range');
    const ref = ctx.string(key);
    if (ref < 0) return;
    const added = request.length(value);
    const oldLength = ref === 0 ? 0 : db.stringLength(ref);
    if (added === 0) return reply.integer(oldLength);
    if (offset + added > kv.config.number('proto-max-bulk-len')) return reply.error(stringTooLong);
    patchBytes(ctx, ref, key, offset, request.bytes, request.start(value), added);
    ctx.notify('$', 'setrange', key);
    reply.integer(Math.max(oldLength, offset + added));
  },
});
