import { defineCommand } from '../../command.js';
import { unparsedInteger } from '../../grammar.js';
import { expireFields, expiringFields, expiringKey } from './expiring.js';

export const hexpire = defineCommand({
  id: 216,
  name: 'HEXPIRE',
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Set expiry for hash field using relative time to expire (seconds)',
  flags: ['write', 'denyoom', 'fast'],
  args: { ...expiringKey, seconds: unparsedInteger(), ...expiringFields },
  run(ctx, _, reply) {
    expireFields(ctx, 1000, ctx.nowMs, reply);
  },
});
