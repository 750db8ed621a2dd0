import { defineCommand } from '../../command.js';
import { key, notAnInteger, optional, unparsedInteger } from '../../grammar.js';
import { choose, problemOfDraws, problemOfRandomCount } from '../../random-choice.js';
import { findSet, replyMember } from './sets.js';

export const srandmember = defineCommand({
  id: 257,
  name: 'SRANDMEMBER',
  group: 'set',
  since: '1.0.0',
  complexity:
    'Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.',
  summary: 'Get one or multiple random members from a set',
  flags: ['readonly'],
  tips: ['nondeterministic_output'],
  surplusIsArityError: false,
  args: { key: key('RO', 'access'), count: optional(unparsedInteger()) },
  run(ctx, { key, count }, reply) {
    const wanted = count === null ? 1 : ctx.request.integer(count);
    if (wanted !== wanted) return reply.error(notAnInteger);
    const problem = count === null ? null : problemOfRandomCount(ctx.request, count, false);
    if (problem !== null) return reply.error(problem);
    const set = findSet(ctx, key);
    if (set === undefined) return;
    if (set === null) return count === null ? reply.null() : reply.array(0);
    const { table } = set;
    const limit = problemOfDraws(wanted);
    if (limit !== null) return reply.error(limit);
    if (count === null) return replyMember(table, table.random(ctx.draw), reply);
    const chosen = choose(table, wanted, ctx.draw);
    reply.array(chosen.length);
    for (const entry of chosen) replyMember(table, entry, reply);
  },
});
