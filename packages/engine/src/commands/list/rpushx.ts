import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { push, pushArgs } from './pushing.js';

export const rpushx = defineCommand({
  id: 303,
  name: 'RPUSHX',
  group: 'list',
  since: '2.2.0',
  complexity:
    'O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.',
  summary: 'Appends an element to a list only when the list exists.',
  flags: ['write', 'denyoom', 'fast'],
  args: pushArgs(),
  run: (ctx, args, reply) => push(ctx, args, sides.right, false, reply),
});
