import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { pop, popArgs } from './popping.js';

export const lpop = defineCommand({
  id: 304,
  name: 'LPOP',
  group: 'list',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of elements returned',
  summary:
    'Returns the first elements in a list after removing it. Deletes the list if the last element was popped.',
  flags: ['write', 'fast'],
  args: popArgs(),
  countMax: 3,
  run: (ctx, args, reply) => pop(ctx, args, sides.left, reply),
});
