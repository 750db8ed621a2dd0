import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { timeout } from '../../grammar.js';
import { awaitList } from './blocking.js';
import { move, moveKeys } from './moving.js';

export const brpoplpush = defineCommand({
  id: 320,
  name: 'BRPOPLPUSH',
  group: 'list',
  since: '2.2.0',
  complexity: 'O(1)',
  summary:
    'Pops an element from a list, pushes it to another list and returns it. Block until an element is available otherwise. Deletes the list if the last element was popped.',
  flags: ['write', 'denyoom', 'blocking'],
  args: { ...moveKeys(), timeout: timeout() },
  run(ctx, args, reply) {
    if (move(ctx, args, sides.right, sides.left, reply)) {
      if (!reply.failed)
        ctx.propagation?.instead('RPOPLPUSH', ...ctx.request.views(args.source).slice(0, -1));
      return;
    }
    if (!ctx.mayBlock) return reply.null();
    awaitList(ctx, args.source, 1, args.timeout);
  },
});
