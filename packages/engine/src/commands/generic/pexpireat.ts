import { defineCommand } from '../../command.js';
import { key, unparsedInteger } from '../../grammar.js';
import { expireKey, expiryConditions } from './expiring.js';

export const pexpireat = defineCommand({
  id: 148,
  name: 'PEXPIREAT',
  group: 'generic',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: 'Sets the expiration time of a key.',
  flags: ['write', 'fast'],
  elements: 'none',
  args: {
    key: key('RW', 'update'),
    unixMs: unparsedInteger('unix-time'),
    conditions: expiryConditions(),
  },
  run(ctx, args, reply) {
    expireKey(ctx, args.key, args.unixMs, 1, 0, args.conditions, reply);
  },
});
