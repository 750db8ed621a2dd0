import { defineCommand } from '../../command.js';
import { bytes, key, repeat } from '../../grammar.js';
import { findSet, hasMember } from './sets.js';

export const smismember = defineCommand({
  id: 253,
  name: 'SMISMEMBER',
  group: 'set',
  since: '6.2.0',
  complexity: 'O(N) where N is the number of elements being checked for membership',
  summary: 'Determines whether multiple members belong to a set.',
  flags: ['readonly', 'fast'],
  elements: { first: 2, step: 1 },
  args: { key: key('RO', 'access'), member: repeat(bytes()) },
  run(ctx, { key, member }, reply) {
    const set = findSet(ctx, key);
    if (set === undefined) return;
    reply.array(member.count);
    for (let i = 0; i < member.count; i++) {
      reply.integer(hasMember(set, ctx.request, member.first + i) ? 1 : 0);
    }
  },
});
