import { defineCommand } from '../../command.js';
import { readTimeout, timeoutProblem, unparsedDouble } from '../../grammar.js';
import { awaitZSet } from './blocking.js';
import { multiPopArgs, popSeveral } from './multi-pop.js';

export const bzmpop = defineCommand({
  id: 425,
  name: 'BZMPOP',
  group: 'sorted-set',
  since: '7.0.0',
  complexity:
    'O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.',
  summary:
    'Removes and returns a member by score from one or more sorted sets. Blocks until a member is available otherwise. Deletes the sorted set if the last element was popped.',
  flags: ['write', 'blocking'],
  args: { timeout: unparsedDouble(), ...multiPopArgs() },
  run(ctx, args, reply) {
    const timeoutMs = readTimeout(ctx.request, args.timeout);
    const problem = timeoutProblem(timeoutMs);
    if (problem !== null) return reply.error(problem);
    if (!popSeveral(ctx, args, reply)) awaitZSet(ctx, args.key, timeoutMs);
  },
});
