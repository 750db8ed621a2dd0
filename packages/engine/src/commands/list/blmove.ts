import { defineCommand } from '../../command.js';
import { timeout } from '../../grammar.js';
import { awaitList } from './blocking.js';
import { end, sideOf } from './lists.js';
import { move, moveKeys } from './moving.js';

export const blmove = defineCommand({
  id: 319,
  name: 'BLMOVE',
  group: 'list',
  since: '6.2.0',
  complexity: 'O(1)',
  summary:
    'Pops an element from a list, pushes it to another list and returns it. Blocks until an element is available otherwise. Deletes the list if the last element was moved.',
  flags: ['write', 'denyoom', 'blocking'],
  args: { ...moveKeys(), wherefrom: end(), whereto: end(), timeout: timeout() },
  run(ctx, args, reply) {
    if (move(ctx, args, sideOf(args.wherefrom), sideOf(args.whereto), reply)) {
      if (!reply.failed) ctx.propagation?.instead('LMOVE', ...ctx.request.views(args.source).slice(0, -1));
      return;
    }
    // In a transaction the null of LMOVE; when the time is over the null array.
    if (!ctx.mayBlock) return reply.null();
    awaitList(ctx, args.source, 1, args.timeout);
  },
});
