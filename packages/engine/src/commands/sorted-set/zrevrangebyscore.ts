import { defineCommand } from '../../command.js';
import { key, token, unparsedDouble } from '../../grammar.js';
import { limitOption } from './range.js';
import { replyRange } from './ranging.js';

export const zrevrangebyscore = defineCommand({
  id: 412,
  name: 'ZREVRANGEBYSCORE',
  group: 'sorted-set',
  since: '2.2.0',
  complexity:
    'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).',
  summary: 'Returns members in a sorted set within a range of scores in reverse order.',
  flags: ['readonly'],
  args: {
    key: key('RO', 'access'),
    max: unparsedDouble(),
    min: unparsedDouble(),
    withscores: token('WITHSCORES'),
    limit: limitOption(),
  },
  run(ctx, { key, limit, withscores }, reply) {
    replyRange(ctx, key, 'score', true, limit, withscores, reply);
  },
});
