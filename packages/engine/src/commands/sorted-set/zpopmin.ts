import { defineCommand } from '../../command.js';
import { pop, popArgs } from './popping.js';

export const zpopmin = defineCommand({
  id: 420,
  name: 'ZPOPMIN',
  group: 'sorted-set',
  since: '5.0.0',
  complexity:
    'O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.',
  summary:
    'Returns the lowest-scoring members from a sorted set after removing them. Deletes the sorted set if the last member was popped.',
  flags: ['write', 'fast'],
  surplusIsArityError: false,
  args: popArgs(),
  run(ctx, args, reply) {
    pop(ctx, args, false, reply);
  },
});
