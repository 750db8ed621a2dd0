import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { blockingPop, blockingPopArgs } from './blocking.js';

export const brpop = defineCommand({
  id: 318,
  name: 'BRPOP',
  group: 'list',
  since: '2.0.0',
  complexity: 'O(N) where N is the number of provided keys.',
  summary:
    'Removes and returns the last element in a list. Blocks until an element is available otherwise. Deletes the list if the last element was popped.',
  flags: ['write', 'blocking'],
  args: blockingPopArgs(),
  run: (ctx, args, reply) => blockingPop(ctx, args, sides.right, reply),
});
