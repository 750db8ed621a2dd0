import { defineCommand } from '../../command.js';
import { bytes, key, repeat } from '../../grammar.js';
import { findZSet } from './zsets.js';

export const zrem = defineCommand({
  id: 402,
  name: 'ZREM',
  group: 'sorted-set',
  since: '1.2.0',
  complexity:
    'O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be removed.',
  summary:
    'Removes one or more members from a sorted set. Deletes the sorted set if all members were removed.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'delete'), member: repeat(bytes()) },
  run(ctx, { key, member }, reply) {
    const { request } = ctx;
    const zset = findZSet(ctx, key);
    if (zset === undefined) return;
    if (zset === null) return reply.integer(0);
    let removed = 0;
    for (let i = 0; i < member.count && zset.size > 0; i++) {
      const at = member.first + i;
      if (zset.remove(request.bytes, request.start(at), request.length(at))) removed++;
    }
    reply.integer(removed);
    if (removed === 0) return;
    ctx.countChanges(removed);
    ctx.notify('z', 'zrem', key);
    ctx.removeIfEmpty(key, zset);
  },
});
