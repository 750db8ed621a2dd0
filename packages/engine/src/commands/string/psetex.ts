import { defineCommand } from '../../command.js';
import { expiryOf } from '../../expiry-options.js';
import { bytes, integer, key } from '../../grammar.js';
import { putArgument } from './put-bytes.js';

export const psetex = defineCommand({
  id: 104,
  name: 'PSETEX',
  group: 'string',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: 'Sets the string value and expiration time of a key. Creates the key if it does not exist.',
  flags: ['write', 'denyoom'],
  args: { key: key('OW', 'update'), milliseconds: integer(), value: bytes() },
  run(ctx, { key, milliseconds, value }, reply) {
    const expiryMs = expiryOf({ word: 'PX', value: milliseconds }, ctx.nowMs);
    if (expiryMs < 0) return reply.error("ERR invalid expire time in 'psetex' command");
    putArgument(ctx, ctx.find(key), key, value, expiryMs);
    ctx.notify('$', 'set', key);
    ctx.notify('g', 'expire', key);
    reply.ok();
  },
});
