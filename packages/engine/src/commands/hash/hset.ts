// @hot-path
import { defineCommand } from '../../command.js';
import { setFields, settingArguments } from './setting.js';

export const hset = defineCommand({
  id: 200,
  name: 'HSET',
  group: 'hash',
  since: '2.0.0',
  complexity:
    'O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with multiple field/value pairs.',
  summary: 'Creates or modifies the value of a field in a hash.',
  flags: ['write', 'denyoom', 'fast'],
  elements: { first: 2, step: 2 },
  args: settingArguments('hset'),
  run(ctx, { key, data }, reply) {
    const added = setFields(ctx, key, data);
    if (added >= 0) reply.integer(added);
  },
});
