import { defineCommand } from '../../command.js';
import { key, unparsedInteger } from '../../grammar.js';
import { removeRange } from './removing.js';

export const zremrangebyrank = defineCommand({
  id: 417,
  name: 'ZREMRANGEBYRANK',
  group: 'sorted-set',
  since: '2.0.0',
  complexity:
    'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.',
  summary:
    'Removes members in a sorted set within a range of indexes. Deletes the sorted set if all members were removed.',
  flags: ['write'],
  args: { key: key('RW', 'delete'), start: unparsedInteger(), stop: unparsedInteger() },
  run(ctx, { key }, reply) {
    removeRange(ctx, key, 'rank', 'zremrangebyrank', reply);
  },
});
