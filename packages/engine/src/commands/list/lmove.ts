import { defineCommand } from '../../command.js';
import { end, sideOf } from './lists.js';
import { move, moveKeys } from './moving.js';

export const lmove = defineCommand({
  id: 314,
  name: 'LMOVE',
  group: 'list',
  since: '6.2.0',
  complexity: 'O(1)',
  summary:
    'Returns an element after popping it from one list and pushing it to another. Deletes the list if the last element was moved.',
  flags: ['write', 'denyoom'],
  args: { ...moveKeys(), wherefrom: end(), whereto: end() },
  run(ctx, args, reply) {
    if (!move(ctx, args, sideOf(args.wherefrom), sideOf(args.whereto), reply)) reply.null();
  },
});
