import { defineCommand } from '../../command.js';
import { blockingPop, blockingPopArgs } from './blocking.js';

export const bzpopmin = defineCommand({
  id: 422,
  name: 'BZPOPMIN',
  group: 'sorted-set',
  since: '5.0.0',
  complexity: 'O(log(N)) with N being the number of elements in the sorted set.',
  summary:
    'Removes and returns the member with the lowest score from one or more sorted sets. Blocks until a member is available otherwise. Deletes the sorted set if the last element was popped.',
  flags: ['write', 'blocking', 'fast'],
  args: blockingPopArgs(),
  run(ctx, args, reply) {
    blockingPop(ctx, args, false, reply);
  },
});
