import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';
import { removeRange } from './removing.js';

export const zremrangebylex = defineCommand({
  id: 419,
  name: 'ZREMRANGEBYLEX',
  group: 'sorted-set',
  since: '2.8.9',
  complexity:
    'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.',
  summary:
    'Removes members in a sorted set within a lexicographical range. Deletes the sorted set if all members were removed.',
  flags: ['write'],
  args: { key: key('RW', 'delete'), min: bytes(), max: bytes() },
  run(ctx, { key }, reply) {
    removeRange(ctx, key, 'member', 'zremrangebylex', reply);
  },
});
