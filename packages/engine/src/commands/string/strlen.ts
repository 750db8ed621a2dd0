import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';

export const strlen = defineCommand({
  id: 111,
  name: 'STRLEN',
  group: 'string',
  since: '2.2.0',
  complexity: 'O(1)',
  summary: 'Returns the length of a string value.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO') },
  run(ctx, { key }, reply) {
    const ref = ctx.string(key);
    if (ref >= 0) reply.integer(ref === 0 ? 0 : ctx.db.stringLength(ref));
  },
});
