import { defineCommand } from '../../command.js';
import { integer, key } from '../../grammar.js';
import { replyRange } from './range.js';

export const getrange = defineCommand({
  id: 114,
  name: 'GETRANGE',
  group: 'string',
  since: '2.4.0',
  complexity: 'O(N) where N is the length of the returned string',
  summary: 'Returns a substring of the string stored at a key.',
  flags: ['readonly'],
  args: { key: key('RO', 'access'), start: integer(), end: integer() },
  run(ctx, { key, start, end }, reply) {
    replyRange(ctx, key, start, end, reply);
  },
});
