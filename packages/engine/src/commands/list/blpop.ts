import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { blockingPop, blockingPopArgs } from './blocking.js';

export const blpop = defineCommand({
  id: 317,
  name: 'BLPOP',
  group: 'list',
  since: '2.0.0',
  complexity: 'O(N) where N is the number of provided keys.',
  summary:
    'Removes and returns the first element in a list. Blocks until an element is available otherwise. Deletes the list if the last element was popped.',
  flags: ['write', 'blocking'],
  args: blockingPopArgs(),
  run: (ctx, args, reply) => blockingPop(ctx, args, sides.left, reply),
});
