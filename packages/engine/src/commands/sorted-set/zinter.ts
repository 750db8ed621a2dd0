import { defineCommand } from '../../command.js';
import { inputKeys, replyCombined, scoreOptions, withScoresOption } from './combined.js';
import { intersection } from './combining.js';

export const zinter = defineCommand({
  id: 428,
  name: 'ZINTER',
  group: 'sorted-set',
  since: '6.2.0',
  complexity:
    'O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.',
  summary: 'Returns the intersect of multiple sorted sets.',
  flags: ['readonly'],
  args: { key: inputKeys('zinter'), ...scoreOptions(), withscores: withScoresOption() },
  run(ctx, { key }, reply) {
    replyCombined(ctx, key, intersection, true, reply);
  },
});
