import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { findSet, replyMembers } from './sets.js';

export const smembers = defineCommand({
  id: 254,
  name: 'SMEMBERS',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(N) where N is the set cardinality.',
  summary: 'Returns all members of a set.',
  flags: ['readonly'],
  tips: ['nondeterministic_output_order'],
  args: { key: key('RO', 'access') },
  run(ctx, { key }, reply) {
    const set = findSet(ctx, key);
    if (set === undefined) return;
    if (set === null) reply.set(0);
    else replyMembers(set, reply);
  },
});
