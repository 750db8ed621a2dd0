import { defineCommand } from '../../command.js';
import { key, token, undocumented, unparsedInteger } from '../../grammar.js';
import { limitOption } from './range.js';
import { limitWithoutKind, noLimit, replyRange } from './ranging.js';

export const zrevrange = defineCommand({
  id: 415,
  name: 'ZREVRANGE',
  group: 'sorted-set',
  since: '1.2.0',
  complexity:
    'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.',
  summary: 'Returns members in a sorted set within a range of indexes in reverse order.',
  flags: ['readonly'],
  args: {
    key: key('RO', 'access'),
    start: unparsedInteger(),
    stop: unparsedInteger(),
    withscores: token('WITHSCORES'),
    limit: undocumented(limitOption()),
  },
  run(ctx, { key, withscores, limit }, reply) {
    if (limit.present && limit.count !== -1) return reply.error(limitWithoutKind);
    replyRange(ctx, key, 'rank', true, noLimit, withscores, reply);
  },
});
