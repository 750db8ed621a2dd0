import { defineCommand } from '../../command.js';
import { integer, key } from '../../grammar.js';
import { exactInteger, incrementBy, incrementByBig } from './increment.js';

export const decrby = defineCommand({
  id: 119,
  name: 'DECRBY',
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary:
    "Decrements a number from the integer value of a key. Uses 0 as initial value if the key doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  args: { key: key('RW', 'access', 'update'), decrement: integer() },
  run(ctx, { key, decrement }, reply) {
    if (Number.isSafeInteger(decrement)) return incrementBy(ctx, key, -decrement, reply);
    const exact = exactInteger(ctx, 2);
    if (exact === -9223372036854775808n) return reply.error('ERR decrement would overflow');
    incrementByBig(ctx, key, -exact, reply);
  },
});
