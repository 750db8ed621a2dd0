import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';
import { findZSet, replyScore } from './zsets.js';

export const zscore = defineCommand({
  id: 403,
  name: 'ZSCORE',
  group: 'sorted-set',
  since: '1.2.0',
  complexity: 'O(1)',
  summary: 'Returns the score of a member in a sorted set.',
  flags: ['readonly', 'fast'],
  elements: { first: 2, step: 1 },
  args: { key: key('RO', 'access'), member: bytes() },
  run(ctx, { key, member }, reply) {
    const zset = findZSet(ctx, key);
    if (zset !== undefined) replyScore(zset, ctx.request, member, reply);
  },
});
