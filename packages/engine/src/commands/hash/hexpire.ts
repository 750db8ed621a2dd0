import { defineCommand } from '../../command.js';
import { expireFields, expiringFields, expiringKey, span } from './expiring.js';

export const hexpire = defineCommand({
  id: 216,
  name: 'HEXPIRE',
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Set expiry for hash field using relative time to expire (seconds)',
  flags: ['write', 'denyoom', 'fast'],
  args: { ...expiringKey, seconds: span, ...expiringFields },
  run(ctx, _, reply) {
    expireFields(ctx, 1000, ctx.nowMs, reply);
  },
});
