import { defineCommand } from '../../command.js';
import { integer } from '../../grammar.js';

export const select = defineCommand({
  id: 3,
  name: 'SELECT',
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Changes the selected database.',
  flags: ['loading', 'stale', 'fast'],
  args: { index: integer() },
  run({ kv, session }, { index }, reply) {
    if (index < 0 || index >= kv.config.number('databases'))
      return reply.error('ERR DB index is out of range');
    session.database = index;
    reply.ok();
  },
});
