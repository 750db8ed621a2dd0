import { defineCommand } from '../../command.js';
import { readTimeout, timeoutProblem, unparsedDouble } from '../../grammar.js';
import { awaitList } from './blocking.js';
import { sideOf } from './lists.js';
import { multiPopArgs, popSeveral } from './multi-pop.js';

export const blmpop = defineCommand({
  id: 321,
  name: 'BLMPOP',
  group: 'list',
  since: '7.0.0',
  complexity: 'O(N+M) where N is the number of provided keys and M is the number of elements returned.',
  summary:
    'Pops the first element from one of multiple lists. Blocks until an element is available otherwise. Deletes the list if the last element was popped.',
  flags: ['write', 'blocking'],
  args: { timeout: unparsedDouble(), ...multiPopArgs() },
  run(ctx, { timeout, key, where, count }, reply) {
    const timeoutMs = readTimeout(ctx.request, timeout);
    const problem = timeoutProblem(timeoutMs);
    if (problem !== null) return reply.error(problem);
    const wanted = count.present ? count.count : 1;
    if (!popSeveral(ctx, key, sideOf(where), wanted, reply)) awaitList(ctx, key.first, key.count, timeoutMs);
  },
});
