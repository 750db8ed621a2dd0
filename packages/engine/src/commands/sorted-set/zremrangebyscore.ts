import { defineCommand } from '../../command.js';
import { key, unparsedDouble } from '../../grammar.js';
import { removeRange } from './removing.js';

export const zremrangebyscore = defineCommand({
  id: 418,
  name: 'ZREMRANGEBYSCORE',
  group: 'sorted-set',
  since: '1.2.0',
  complexity:
    'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.',
  summary:
    'Removes members in a sorted set within a range of scores. Deletes the sorted set if all members were removed.',
  flags: ['write'],
  args: { key: key('RW', 'delete'), min: unparsedDouble(), max: unparsedDouble() },
  run(ctx, { key }, reply) {
    removeRange(ctx, key, 'score', 'zremrangebyscore', reply);
  },
});
