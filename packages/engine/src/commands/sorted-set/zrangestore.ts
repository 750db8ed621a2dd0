import { valueTypes, ZSetValue } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { bytes, choice, key, token } from '../../grammar.js';
import { limitOption, range } from './range.js';
import { kindOf, limitWithoutKind } from './ranging.js';
import { copyEntries, storeZSet } from './zsets.js';

export const zrangestore = defineCommand({
  id: 416,
  name: 'ZRANGESTORE',
  group: 'sorted-set',
  since: '6.2.0',
  complexity:
    'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into the destination key.',
  summary: 'Stores a range of members from sorted set in a key.',
  flags: ['write', 'denyoom'],
  args: {
    dst: key('OW', 'update'),
    src: key('RO', 'access'),
    min: bytes(),
    max: bytes(),
    sortby: choice({ BYSCORE: true, BYLEX: true }, { repeatable: false }),
    rev: token('REV', { repeatable: false }),
    limit: limitOption(),
  },
  run(ctx, { dst, src, min, sortby, rev, limit }, reply) {
    const kind = kindOf(sortby.word);
    if (kind === 'rank' && limit.present && limit.count !== -1) return reply.error(limitWithoutKind);
    const problem = range.parse(ctx.request, kind, min, rev);
    if (problem !== null) return reply.error(problem);
    const source = ctx.collection<ZSetValue>(src, valueTypes.zset, true);
    if (source === undefined) return;
    const result = new ZSetValue(ctx.db);
    if (source !== null) {
      range.select(source);
      if (limit.present && kind !== 'rank') range.limit(limit.offset, limit.count);
      copyEntries(source, range.from, range.count, result);
    }
    storeZSet(ctx, dst, result, 'zrangestore', reply);
  },
});
