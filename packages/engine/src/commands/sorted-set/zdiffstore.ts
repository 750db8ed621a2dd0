import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { inputKeys, storeCombined } from './combined.js';
import { difference } from './combining.js';

export const zdiffstore = defineCommand({
  id: 432,
  name: 'ZDIFFSTORE',
  group: 'sorted-set',
  since: '6.2.0',
  complexity:
    'O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.',
  summary: 'Stores the difference of multiple sorted sets in a key.',
  flags: ['write', 'denyoom'],
  args: { destination: key('OW', 'update'), key: inputKeys('zdiffstore') },
  readsSurplus: true,
  run(ctx, args, reply) {
    storeCombined(ctx, args, difference, false, 'zdiffstore', reply);
  },
});
