import { defineCommand } from '../../command.js';
import { bytes, key, repeat } from '../../grammar.js';
import { findZSet, replyScore } from './zsets.js';

export const zmscore = defineCommand({
  id: 404,
  name: 'ZMSCORE',
  group: 'sorted-set',
  since: '6.2.0',
  complexity: 'O(N) where N is the number of members being requested.',
  summary: 'Returns the score of one or more members in a sorted set.',
  flags: ['readonly', 'fast'],
  elements: { first: 2, step: 1 },
  args: { key: key('RO', 'access'), member: repeat(bytes()) },
  run(ctx, { key, member }, reply) {
    const zset = findZSet(ctx, key);
    if (zset === undefined) return;
    reply.array(member.count);
    for (let i = 0; i < member.count; i++) replyScore(zset, ctx.request, member.first + i, reply);
  },
});
