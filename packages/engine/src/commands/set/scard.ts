import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { findSet } from './sets.js';

export const scard = defineCommand({
  id: 255,
  name: 'SCARD',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns the number of members in a set.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO') },
  run(ctx, { key }, reply) {
    const set = findSet(ctx, key);
    if (set !== undefined) reply.integer(set === null ? 0 : set.size);
  },
});
