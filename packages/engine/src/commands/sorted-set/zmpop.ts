import { defineCommand } from '../../command.js';
import { multiPopArgs, popSeveral } from './multi-pop.js';

export const zmpop = defineCommand({
  id: 424,
  name: 'ZMPOP',
  group: 'sorted-set',
  since: '7.0.0',
  complexity:
    'O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.',
  summary:
    'Returns the highest- or lowest-scoring members from one or more sorted sets after removing them. Deletes the sorted set if the last member was popped.',
  flags: ['write'],
  args: multiPopArgs(),
  run(ctx, args, reply) {
    if (!popSeveral(ctx, args, reply)) reply.nullArray();
  },
});
