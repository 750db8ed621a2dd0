import { defineCommand } from '../../command.js';
import { integer } from '../../grammar.js';

const int32 = { min: -2147483648, max: 2147483647 } as const;
const rangeError = 'ERR value is out of range, value must between -2147483648 and 2147483647';

export const select = defineCommand({
  id: 3,
  name: 'SELECT',
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Changes the selected database.',
  flags: ['loading', 'stale', 'fast'],
  args: { index: integer({ ...int32, rangeError }) },
  run({ kv, session }, { index }, reply) {
    if (index < 0 || index >= kv.config.number('databases'))
      return reply.error('ERR DB index is out of range');
    session.database = index;
    reply.ok();
  },
});
