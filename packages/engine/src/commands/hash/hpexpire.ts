import { defineCommand } from '../../command.js';
import { unparsedInteger } from '../../grammar.js';
import { expireFields, expiringFields, expiringKey } from './expiring.js';

export const hpexpire = defineCommand({
  id: 217,
  name: 'HPEXPIRE',
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Set expiry for hash field using relative time to expire (milliseconds)',
  flags: ['write', 'denyoom', 'fast'],
  args: { ...expiringKey, milliseconds: unparsedInteger(), ...expiringFields },
  run(ctx, _, reply) {
    expireFields(ctx, 1, ctx.nowMs, reply);
  },
});
