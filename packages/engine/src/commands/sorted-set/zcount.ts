import { defineCommand } from '../../command.js';
import { key, unparsedDouble } from '../../grammar.js';
import { range } from './range.js';
import { findZSet } from './zsets.js';

export const zcount = defineCommand({
  id: 406,
  name: 'ZCOUNT',
  group: 'sorted-set',
  since: '2.0.0',
  complexity: 'O(log(N)) with N being the number of elements in the sorted set.',
  summary: 'Returns the count of members in a sorted set that have scores within a range.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO', 'access'), min: unparsedDouble(), max: unparsedDouble() },
  run(ctx, { key, min }, reply) {
    const problem = range.parse(ctx.request, 'score', min, false);
    if (problem !== null) return reply.error(problem);
    const zset = findZSet(ctx, key);
    if (zset === undefined) return;
    if (zset === null) return reply.integer(0);
    range.select(zset);
    reply.integer(range.count);
  },
});
