import { defineCommand } from '../../command.js';
import { sideOf } from './lists.js';
import { multiPopArgs, popSeveral } from './multi-pop.js';

export const lmpop = defineCommand({
  id: 316,
  name: 'LMPOP',
  group: 'list',
  since: '7.0.0',
  complexity: 'O(N+M) where N is the number of provided keys and M is the number of elements returned.',
  summary:
    'Returns multiple elements from a list after removing them. Deletes the list if the last element was popped.',
  flags: ['write'],
  args: multiPopArgs(),
  run(ctx, { key, where, count }, reply) {
    const wanted = count.present ? count.count : 1;
    if (!popSeveral(ctx, key, sideOf(where), wanted, reply)) reply.nullArray();
  },
});
