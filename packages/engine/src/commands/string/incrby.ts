import { defineCommand } from '../../command.js';
import { integer, key } from '../../grammar.js';
import { exactInteger, incrementBy, incrementByBig } from './increment.js';

export const incrby = defineCommand({
  id: 118,
  name: 'INCRBY',
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary:
    "Increments the integer value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  args: { key: key('RW', 'access', 'update'), increment: integer() },
  run(ctx, { key, increment }, reply) {
    if (Number.isSafeInteger(increment)) incrementBy(ctx, key, increment, reply);
    else incrementByBig(ctx, key, exactInteger(ctx, 2), reply);
  },
});
