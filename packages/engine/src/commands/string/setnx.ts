import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';
import { putArgument } from './put-bytes.js';

export const setnx = defineCommand({
  id: 102,
  name: 'SETNX',
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: "Set the string value of a key only when the key doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  args: { key: key('OW', 'insert'), value: bytes() },
  run(ctx, { key, value }, reply) {
    if (ctx.find(key) !== 0) return reply.integer(0);
    putArgument(ctx, 0, key, value, 0);
    ctx.notify('$', 'set', key);
    reply.integer(1);
  },
});
