// @hot-path
import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';
import { findSet, hasMember } from './sets.js';

export const sismember = defineCommand({
  id: 252,
  name: 'SISMEMBER',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Determines whether a member belongs to a set.',
  flags: ['readonly', 'fast'],
  elements: { first: 2, step: 1 },
  args: { key: key('RO'), member: bytes() },
  run(ctx, { key, member }, reply) {
    const set = findSet(ctx, key);
    if (set !== undefined) reply.integer(hasMember(set, ctx.request, member) ? 1 : 0);
  },
});
