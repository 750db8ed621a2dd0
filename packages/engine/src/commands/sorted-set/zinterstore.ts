import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { inputKeys, scoreOptions, storeCombined } from './combined.js';
import { intersection } from './combining.js';

export const zinterstore = defineCommand({
  id: 431,
  name: 'ZINTERSTORE',
  group: 'sorted-set',
  since: '2.0.0',
  complexity:
    'O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.',
  summary: 'Stores the intersect of multiple sorted sets in a key.',
  flags: ['write', 'denyoom'],
  args: { destination: key('OW', 'update'), key: inputKeys('zinterstore'), ...scoreOptions() },
  run(ctx, args, reply) {
    storeCombined(ctx, args, intersection, true, 'zinterstore', reply);
  },
});
