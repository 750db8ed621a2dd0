import { defineCommand } from '../../command.js';
import { key, unparsedInteger } from '../../grammar.js';
import { expireKey, expiryConditions } from './expiring.js';

export const pexpire = defineCommand({
  id: 146,
  name: 'PEXPIRE',
  group: 'generic',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: 'Sets the expiration time of a key.',
  flags: ['write', 'fast'],
  elements: 'none',
  args: {
    key: key('RW', 'update'),
    milliseconds: unparsedInteger(),
    conditions: expiryConditions(),
  },
  run(ctx, args, reply) {
    expireKey(ctx, args.key, args.milliseconds, 1, ctx.nowMs, args.conditions, reply);
  },
});
