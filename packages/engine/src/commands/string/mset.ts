import { defineCommand } from '../../command.js';
import { bytes, key, repeat } from '../../grammar.js';
import { putArgument } from './put-bytes.js';

export const mset = defineCommand({
  id: 109,
  name: 'MSET',
  group: 'string',
  since: '1.0.1',
  complexity: 'O(N) where N is the number of keys to set',
  summary: 'Atomically creates or modifies the string values of one or more keys.',
  flags: ['write', 'denyoom'],
  tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
  args: {
    pairs: repeat(
      { key: key('OW', 'update'), value: bytes() },
      { incompleteError: "ERR wrong number of arguments for 'mset' command" },
    ),
  },
  run(ctx, { pairs }, reply) {
    for (let i = pairs.first; i < pairs.first + 2 * pairs.count; i += 2) {
      putArgument(ctx, ctx.find(i), i, i + 1, 0);
      ctx.notify('$', 'set', i);
    }
    ctx.countChanges(pairs.count);
    reply.ok();
  },
});
