import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';
import { range } from './range.js';
import { findZSet } from './zsets.js';

export const zlexcount = defineCommand({
  id: 407,
  name: 'ZLEXCOUNT',
  group: 'sorted-set',
  since: '2.8.9',
  complexity: 'O(log(N)) with N being the number of elements in the sorted set.',
  summary: 'Returns the number of members in a sorted set within a lexicographical range.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO', 'access'), min: bytes(), max: bytes() },
  run(ctx, { key, min }, reply) {
    const problem = range.parse(ctx.request, 'member', min, false);
    if (problem !== null) return reply.error(problem);
    const zset = findZSet(ctx, key);
    if (zset === undefined) return;
    if (zset === null) return reply.integer(0);
    range.select(zset);
    reply.integer(range.count);
  },
});
