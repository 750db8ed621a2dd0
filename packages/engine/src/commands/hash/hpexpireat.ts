import { defineCommand } from '../../command.js';
import { unparsedInteger } from '../../grammar.js';
import { expireFields, expiringFields, expiringKey } from './expiring.js';

export const hpexpireat = defineCommand({
  id: 219,
  name: 'HPEXPIREAT',
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Set expiry for hash field using an absolute Unix timestamp (milliseconds)',
  flags: ['write', 'denyoom', 'fast'],
  args: { ...expiringKey, 'unix-time-milliseconds': unparsedInteger('unix-time'), ...expiringFields },
  run(ctx, _, reply) {
    expireFields(ctx, 1, 0, reply);
  },
});
