// @hot-path
import { defineCommand } from '../../command.js';
import { key, repeat, shortBytes } from '../../grammar.js';
import { addMember, createSet, findSet } from './sets.js';

export const sadd = defineCommand({
  id: 250,
  name: 'SADD',
  group: 'set',
  since: '1.0.0',
  complexity:
    'O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.',
  summary: "Adds one or more members to a set. Creates the key if it doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  elements: { first: 2, step: 1 },
  args: { key: key('RW', 'insert'), member: repeat(shortBytes()) },
  run(ctx, { key, member }, reply) {
    const { request } = ctx;
    let set = findSet(ctx, key);
    if (set === undefined) return;
    if (set === null) set = createSet(ctx, key, member.count, member.first);
    else set.expect(member.count);
    let added = 0;
    for (let i = 0; i < member.count; i++) if (addMember(set, request, member.first + i)) added++;
    ctx.countChanges(added);
    if (added > 0) ctx.notify('s', 'sadd', key);
    reply.integer(added);
  },
});
