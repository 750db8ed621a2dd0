import { defineCommand } from '../../command.js';
import { bytes, choice, key, token } from '../../grammar.js';
import { limitOption } from './range.js';
import { kindOf, limitWithoutKind, replyRange, scoresByMember } from './ranging.js';

export const zrange = defineCommand({
  id: 410,
  name: 'ZRANGE',
  group: 'sorted-set',
  since: '1.2.0',
  complexity:
    'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.',
  summary: 'Returns members in a sorted set within a range of indexes.',
  flags: ['readonly'],
  args: {
    key: key('RO', 'access'),
    start: bytes(),
    stop: bytes(),
    sortby: choice({ BYSCORE: true, BYLEX: true }, { repeatable: false }),
    rev: token('REV', { repeatable: false }),
    limit: limitOption(),
    withscores: token('WITHSCORES'),
  },
  run(ctx, { key, sortby, rev, limit, withscores }, reply) {
    const kind = kindOf(sortby.word);
    if (kind === 'rank' && limit.present && limit.count !== -1) return reply.error(limitWithoutKind);
    if (kind === 'member' && withscores) return reply.error(scoresByMember);
    replyRange(ctx, key, kind, rev, limit, withscores, reply);
  },
});
