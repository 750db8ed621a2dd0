import { defineCommand } from '../../command.js';
import { key, token, unparsedDouble } from '../../grammar.js';
import { limitOption } from './range.js';
import { replyRange } from './ranging.js';

export const zrangebyscore = defineCommand({
  id: 411,
  name: 'ZRANGEBYSCORE',
  group: 'sorted-set',
  since: '1.0.5',
  complexity:
    'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).',
  summary: 'Returns members in a sorted set within a range of scores.',
  flags: ['readonly'],
  args: {
    key: key('RO', 'access'),
    min: unparsedDouble(),
    max: unparsedDouble(),
    withscores: token('WITHSCORES'),
    limit: limitOption(),
  },
  run(ctx, { key, limit, withscores }, reply) {
    replyRange(ctx, key, 'score', false, limit, withscores, reply);
  },
});
