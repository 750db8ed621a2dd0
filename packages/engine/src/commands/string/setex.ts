import { defineCommand } from '../../command.js';
import { readPositiveExpiry } from '../../expiry-options.js';
import { bytes, key, unparsedInteger } from '../../grammar.js';
import { putExpiring } from './put-bytes.js';

export const setex = defineCommand({
  id: 103,
  name: 'SETEX',
  group: 'string',
  since: '2.0.0',
  complexity: 'O(1)',
  summary: 'Sets the string value and expiration time of a key. Creates the key if it does not exist.',
  flags: ['write', 'denyoom'],
  args: { key: key('OW', 'update'), seconds: unparsedInteger(), value: bytes() },
  run(ctx, { key, seconds, value }, reply) {
    const expiryMs = readPositiveExpiry(ctx.request, seconds, 1000, ctx.nowMs, 'setex', reply);
    if (expiryMs < 0) return;
    putExpiring(ctx, ctx.find(key), key, value, expiryMs);
    reply.ok();
  },
});
