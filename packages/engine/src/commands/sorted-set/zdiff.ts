import { defineCommand } from '../../command.js';
import { inputKeys, replyCombined, withScoresOption } from './combined.js';
import { difference } from './combining.js';

export const zdiff = defineCommand({
  id: 429,
  name: 'ZDIFF',
  group: 'sorted-set',
  since: '6.2.0',
  complexity:
    'O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.',
  summary: 'Returns the difference between multiple sorted sets.',
  flags: ['readonly'],
  args: { key: inputKeys('zdiff'), withscores: withScoresOption() },
  run(ctx, { key }, reply) {
    replyCombined(ctx, key, difference, false, reply);
  },
});
