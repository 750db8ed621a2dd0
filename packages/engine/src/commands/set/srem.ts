import { defineCommand } from '../../command.js';
import { bytes, key, repeat } from '../../grammar.js';
import { findSet, removeMember } from './sets.js';

export const srem = defineCommand({
  id: 251,
  name: 'SREM',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of members to be removed.',
  summary: 'Removes one or more members from a set. Deletes the set if the last member was removed.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'delete'), member: repeat(bytes()) },
  run(ctx, { key, member }, reply) {
    const set = findSet(ctx, key);
    if (set === undefined) return;
    if (set === null) return reply.integer(0);
    let removed = 0;
    for (let i = 0; i < member.count && set.size > 0; i++) {
      if (removeMember(set, ctx.request, member.first + i)) removed++;
    }
    ctx.countChanges(removed);
    if (removed > 0) ctx.notify('s', 'srem', key);
    ctx.removeIfEmpty(key, set);
    reply.integer(removed);
  },
});
