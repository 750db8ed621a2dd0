import { defineCommand } from '../../command.js';
import { integer } from '../../grammar.js';

const int32 = { min: -2147483648, max: 2147483647 } as const;

export const swapdb = defineCommand({
  id: 603,
  name: 'SWAPDB',
  group: 'server',
  since: '4.0.0',
  complexity: 'O(N) where N is the number of clients that watch or wait for keys of the two databases',
  summary: 'Swaps two databases.',
  flags: ['write', 'fast'],
  categories: ['keyspace', 'dangerous'],
  args: {
    first: integer({ ...int32, error: 'ERR invalid first DB index' }),
    second: integer({ ...int32, error: 'ERR invalid second DB index' }),
  },
  run({ kv, storage }, { first, second }, reply) {
    const count = kv.config.number('databases');
    if (first < 0 || first >= count || second < 0 || second >= count) {
      return reply.error('ERR DB index is out of range');
    }
    storage.swap(first, second);
    reply.ok();
  },
});
