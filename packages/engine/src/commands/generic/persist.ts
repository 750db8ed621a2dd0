import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';

export const persist = defineCommand({
  id: 153,
  name: 'PERSIST',
  group: 'generic',
  since: '2.2.0',
  complexity: 'O(1)',
  summary: 'Removes the expiration time of a key.',
  flags: ['write', 'fast'],
  elements: 'none',
  args: { key: key('RW', 'update') },
  run(ctx, { key }, reply) {
    const ref = ctx.find(key);
    if (ref === 0 || ctx.db.expiry(ref) === 0) return reply.integer(0);
    ctx.db.setExpiry(ref, 0);
    ctx.notify('g', 'persist', key);
    reply.integer(1);
  },
});
