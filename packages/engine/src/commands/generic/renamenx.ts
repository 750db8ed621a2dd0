import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { rename } from './renaming.js';

export const renamenx = defineCommand({
  id: 155,
  name: 'RENAMENX',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: "Renames a key only when the target key name doesn't exist.",
  flags: ['write', 'fast'],
  args: { from: key('RW', 'access', 'delete'), to: key('OW', 'insert') },
  run(ctx, { from, to }, reply) {
    const outcome = rename(ctx, from, to, false);
    if (outcome === 'missing') reply.error('ERR no such key');
    else reply.integer(outcome === 'done' ? 1 : 0);
  },
});
