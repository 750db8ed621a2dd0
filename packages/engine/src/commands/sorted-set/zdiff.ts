import { defineCommand } from '../../command.js';
import { token } from '../../grammar.js';
import { difference, inputKeys, replyCombined } from './combining.js';

export const zdiff = defineCommand({
  id: 429,
  name: 'ZDIFF',
  group: 'sorted-set',
  since: '6.2.0',
  complexity:
    'O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.',
  summary: 'Returns the difference between multiple sorted sets.',
  flags: ['readonly'],
  args: { key: inputKeys('zdiff'), withscores: token('WITHSCORES') },
  run(ctx, args, reply) {
    replyCombined(ctx, args, difference, reply);
  },
});
