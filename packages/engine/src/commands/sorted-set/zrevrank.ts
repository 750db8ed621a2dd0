import { defineCommand } from '../../command.js';
import { rankArgs, replyRank } from './ranking.js';

export const zrevrank = defineCommand({
  id: 409,
  name: 'ZREVRANK',
  group: 'sorted-set',
  since: '2.0.0',
  complexity: 'O(log(N))',
  summary: 'Returns the index of a member in a sorted set ordered by descending scores.',
  flags: ['readonly', 'fast'],
  args: rankArgs(),
  countMax: 4,
  run(ctx, args, reply) {
    replyRank(ctx, args, true, reply);
  },
});
