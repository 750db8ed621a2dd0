import type { Reply } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import { integer, optional, token } from '../../grammar.js';
import { choose, problemOfDraws, problemOfRandomCount } from '../../random-choice.js';
import { findHash, readKey, replyField, replyValue, view } from './hashes.js';

export const hrandfield = defineCommand({
  id: 214,
  name: 'HRANDFIELD',
  group: 'hash',
  since: '6.2.0',
  complexity: 'O(N) where N is the number of fields returned',
  summary: 'Returns one or more random fields from a hash.',
  flags: ['readonly'],
  tips: ['nondeterministic_output'],
  args: { ...readKey, count: optional(integer()), withvalues: token('WITHVALUES', { repeatable: false }) },
  run(ctx, { key, count, withvalues }, reply) {
    const problem = count === null ? null : problemOfRandomCount(ctx.request, key + 1, withvalues);
    if (problem !== null) return reply.error(problem);
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    if (hash === null) return count === null ? reply.null() : reply.array(0);
    const { table } = hash;
    if (count === null) {
      table.read(table.random(ctx.draw), view);
      return replyField(reply);
    }
    const limit = problemOfDraws(count);
    if (limit !== null) return reply.error(limit);
    const chosen = choose(table, count, ctx.draw);
    reply.array(withvalues && reply.dialect === 2 ? chosen.length * 2 : chosen.length);
    for (const entry of chosen) {
      table.read(entry, view);
      replyOne(withvalues, reply);
    }
  },
});

/** The field that `view` points at, in a pair with its value if that is wanted. */
function replyOne(withValue: boolean, reply: Reply): void {
  if (withValue && reply.dialect === 3) reply.array(2);
  replyField(reply);
  if (withValue) replyValue(reply);
}
