import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { findList } from './lists.js';

export const llen = defineCommand({
  id: 306,
  name: 'LLEN',
  group: 'list',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns the length of a list.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO') },
  run(ctx, { key }, reply) {
    const list = findList(ctx, key);
    if (list === undefined) return;
    reply.integer(list === null ? 0 : list.size);
  },
});
