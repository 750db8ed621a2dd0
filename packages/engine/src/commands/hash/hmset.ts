import { defineCommand } from '../../command.js';
import { setFields, settingArguments } from './setting.js';

export const hmset = defineCommand({
  id: 202,
  name: 'HMSET',
  group: 'hash',
  since: '2.0.0',
  complexity: 'O(N) where N is the number of fields being set.',
  summary: 'Sets the values of multiple fields.',
  flags: ['write', 'denyoom', 'fast'],
  elements: { first: 2, step: 2 },
  args: settingArguments('hmset'),
  run(ctx, { key, data }, reply) {
    if (setFields(ctx, key, data) >= 0) reply.ok();
  },
});
