import { defineCommand } from '../../command.js';
import { inputKeys, replyCombined, scoreOptions, withScoresOption } from './combined.js';
import { union } from './combining.js';

export const zunion = defineCommand({
  id: 427,
  name: 'ZUNION',
  group: 'sorted-set',
  since: '6.2.0',
  complexity:
    'O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.',
  summary: 'Returns the union of multiple sorted sets.',
  flags: ['readonly'],
  args: { key: inputKeys('zunion'), ...scoreOptions(), withscores: withScoresOption() },
  run(ctx, { key }, reply) {
    replyCombined(ctx, key, union, true, reply);
  },
});
