import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { inputKeys, scoreOptions, storeCombined } from './combined.js';
import { union } from './combining.js';

export const zunionstore = defineCommand({
  id: 430,
  name: 'ZUNIONSTORE',
  group: 'sorted-set',
  since: '2.0.0',
  complexity:
    'O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.',
  summary: 'Stores the union of multiple sorted sets in a key.',
  flags: ['write', 'denyoom'],
  args: { destination: key('OW', 'update'), key: inputKeys('zunionstore'), ...scoreOptions() },
  run(ctx, args, reply) {
    storeCombined(ctx, args, union, true, 'zunionstore', reply);
  },
});
