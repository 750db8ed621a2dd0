import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { move, moveKeys } from './moving.js';

export const rpoplpush = defineCommand({
  id: 315,
  name: 'RPOPLPUSH',
  group: 'list',
  since: '1.2.0',
  complexity: 'O(1)',
  summary:
    'Returns the last element of a list after removing and pushing it to another list. Deletes the list if the last element was popped.',
  flags: ['write', 'denyoom'],
  args: moveKeys(),
  run(ctx, args, reply) {
    if (!move(ctx, args, sides.right, sides.left, reply)) reply.null();
  },
});
