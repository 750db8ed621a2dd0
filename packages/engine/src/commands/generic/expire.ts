import { defineCommand } from '../../command.js';
import { key, unparsedInteger } from '../../grammar.js';
import { expireKey, expiryConditions } from './expiring.js';

export const expire = defineCommand({
  id: 145,
  name: 'EXPIRE',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Sets the expiration time of a key.',
  flags: ['write', 'fast'],
  elements: 'none',
  args: {
    key: key('RW', 'update'),
    seconds: unparsedInteger(),
    conditions: expiryConditions(),
  },
  run(ctx, args, reply) {
    expireKey(ctx, args.key, args.seconds, 1000, ctx.nowMs, args.conditions, reply);
  },
});
