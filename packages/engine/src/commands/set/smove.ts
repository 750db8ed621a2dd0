import { defineCommand } from '../../command.js';
import { key, shortBytes } from '../../grammar.js';
import { addMember, createSet, findSet, hasMember, removeMember } from './sets.js';

export const smove = defineCommand({
  id: 258,
  name: 'SMOVE',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Moves a member from one set to another.',
  flags: ['write', 'fast'],
  args: {
    source: key('RW', 'access', 'delete'),
    destination: key('RW', 'insert'),
    member: shortBytes(),
  },
  run(ctx, { source, destination, member }, reply) {
    const { request } = ctx;
    const from = findSet(ctx, source);
    if (from === undefined) return;
    if (from === null) return reply.integer(0);
    const to = findSet(ctx, destination);
    if (to === undefined) return;
    if (from === to) return reply.integer(hasMember(from, request, member) ? 1 : 0);
    if (!removeMember(from, request, member)) return reply.integer(0);
    ctx.notify('s', 'srem', source);
    ctx.removeIfEmpty(source, from);
    if (to === null) ctx.find(destination);
    if (addMember(to ?? createSet(ctx, destination, 1, member), request, member)) {
      ctx.notify('s', 'sadd', destination);
    }
    reply.integer(1);
  },
});
