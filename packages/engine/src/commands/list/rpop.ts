import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { pop, popArgs } from './popping.js';

export const rpop = defineCommand({
  id: 305,
  name: 'RPOP',
  group: 'list',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of elements returned',
  summary:
    'Returns and removes the last elements of a list. Deletes the list if the last element was popped.',
  flags: ['write', 'fast'],
  args: popArgs(),
  countMax: 3,
  run: (ctx, args, reply) => pop(ctx, args, sides.right, reply),
});
