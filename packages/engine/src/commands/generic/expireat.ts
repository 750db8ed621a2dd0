import { defineCommand } from '../../command.js';
import { key, unparsedInteger } from '../../grammar.js';
import { expireKey, expiryConditions } from './expiring.js';

export const expireat = defineCommand({
  id: 147,
  name: 'EXPIREAT',
  group: 'generic',
  since: '1.2.0',
  complexity: 'O(1)',
  summary: 'Sets the expiration time of a key.',
  flags: ['write', 'fast'],
  elements: 'none',
  args: {
    key: key('RW', 'update'),
    unixSeconds: unparsedInteger('unix-time'),
    conditions: expiryConditions(),
  },
  run(ctx, args, reply) {
    expireKey(ctx, args.key, args.unixSeconds, 1000, 0, args.conditions, reply);
  },
});
