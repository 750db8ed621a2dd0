import { defineCommand } from '../../command.js';
import { integer, key } from '../../grammar.js';
import { replyRange } from './range.js';

export const substr = defineCommand({
  id: 115,
  name: 'SUBSTR',
  group: 'string',
  since: '1.0.0',
  complexity: 'O(N) where N is the length of the returned string',
  summary: 'Returns a substring of the string stored at a key.',
  flags: ['readonly'],
  args: { key: key('RO', 'access'), start: integer(), end: integer() },
  run(ctx, { key, start, end }, reply) {
    replyRange(ctx, key, start, end, reply);
  },
});
