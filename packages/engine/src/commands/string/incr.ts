import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { incrementBy } from './increment.js';

export const incr = defineCommand({
  id: 116,
  name: 'INCR',
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: "Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  args: { key: key('RW', 'access', 'update') },
  run(ctx, { key }, reply) {
    incrementBy(ctx, key, 1, reply);
  },
});
