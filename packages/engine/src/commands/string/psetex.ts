import { defineCommand } from '../../command.js';
import { readPositiveExpiry } from '../../expiry-options.js';
import { bytes, key, unparsedInteger } from '../../grammar.js';
import { putExpiring } from './put-bytes.js';

export const psetex = defineCommand({
  id: 104,
  name: 'PSETEX',
  group: 'string',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: 'Sets the string value and expiration time of a key. Creates the key if it does not exist.',
  flags: ['write', 'denyoom'],
  args: { key: key('OW', 'update'), milliseconds: unparsedInteger(), value: bytes() },
  run(ctx, { key, milliseconds, value }, reply) {
    const expiryMs = readPositiveExpiry(ctx.request, milliseconds, 1, ctx.nowMs, 'psetex', reply);
    if (expiryMs < 0) return;
    putExpiring(ctx, ctx.find(key), key, value, expiryMs);
    reply.ok();
  },
});
