import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { push, pushArgs } from './pushing.js';

export const rpush = defineCommand({
  id: 301,
  name: 'RPUSH',
  group: 'list',
  since: '1.0.0',
  complexity:
    'O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.',
  summary: "Appends one or more elements to a list. Creates the key if it doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  args: pushArgs(),
  run: (ctx, args, reply) => push(ctx, args, sides.right, true, reply),
});
