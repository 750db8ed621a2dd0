import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { rename } from './renaming.js';

export const renameKey = defineCommand({
  id: 154,
  name: 'RENAME',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Renames a key and overwrites the destination.',
  flags: ['write'],
  args: { from: key('RW', 'access', 'delete'), to: key('OW', 'update') },
  run(ctx, { from, to }, reply) {
    if (rename(ctx, from, to, true) === 'missing') reply.error('ERR no such key');
    else reply.ok();
  },
});
