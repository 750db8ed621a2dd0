import { defineCommand } from '../../command.js';
import { bytes, key, token, undocumented } from '../../grammar.js';
import { limitOption } from './range.js';
import { replyRange, scoresByMember } from './ranging.js';

export const zrevrangebylex = defineCommand({
  id: 414,
  name: 'ZREVRANGEBYLEX',
  group: 'sorted-set',
  since: '2.8.9',
  complexity:
    'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).',
  summary: 'Returns members in a sorted set within a lexicographical range in reverse order.',
  flags: ['readonly'],
  args: {
    key: key('RO', 'access'),
    max: bytes(),
    min: bytes(),
    limit: limitOption(),
    withscores: undocumented(token('WITHSCORES')),
  },
  run(ctx, { key, limit, withscores }, reply) {
    if (withscores) return reply.error(scoresByMember);
    replyRange(ctx, key, 'member', true, limit, false, reply);
  },
});
