import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { findZSet } from './zsets.js';

export const zcard = defineCommand({
  id: 405,
  name: 'ZCARD',
  group: 'sorted-set',
  since: '1.2.0',
  complexity: 'O(1)',
  summary: 'Returns the number of members in a sorted set.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO') },
  run(ctx, { key }, reply) {
    const zset = findZSet(ctx, key);
    if (zset !== undefined) reply.integer(zset === null ? 0 : zset.size);
  },
});
