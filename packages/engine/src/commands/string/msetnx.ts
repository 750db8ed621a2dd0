import { defineCommand } from '../../command.js';
import { bytes, key, repeat } from '../../grammar.js';
import { putArgument } from './put-bytes.js';

export const msetnx = defineCommand({
  id: 110,
  name: 'MSETNX',
  group: 'string',
  since: '1.0.1',
  complexity: 'O(N) where N is the number of keys to set',
  summary: "Atomically modifies the string values of one or more keys only when all keys don't exist.",
  flags: ['write', 'denyoom'],
  args: {
    pairs: repeat(
      { key: key('OW', 'insert'), value: bytes() },
      { incompleteError: "ERR wrong number of arguments for 'msetnx' command" },
    ),
  },
  run(ctx, { pairs }, reply) {
    const end = pairs.first + 2 * pairs.count;
    for (let i = pairs.first; i < end; i += 2) if (ctx.find(i) !== 0) return reply.integer(0);
    for (let i = pairs.first; i < end; i += 2) {
      putArgument(ctx, ctx.find(i), i, i + 1, 0);
      ctx.notify('$', 'set', i);
    }
    ctx.countChanges(pairs.count);
    reply.integer(1);
  },
});
