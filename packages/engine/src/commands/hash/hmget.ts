import { defineCommand } from '../../command.js';
import { bytes, repeat } from '../../grammar.js';
import { findHash, readKey, replyValueOf } from './hashes.js';

export const hmget = defineCommand({
  id: 204,
  name: 'HMGET',
  group: 'hash',
  since: '2.0.0',
  complexity: 'O(N) where N is the number of fields being requested.',
  summary: 'Returns the values of multiple fields in a hash.',
  flags: ['readonly', 'fast'],
  elements: { first: 2, step: 1 },
  args: { ...readKey, field: repeat(bytes()) },
  run(ctx, { key, field }, reply) {
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    reply.array(field.count);
    for (let i = 0; i < field.count; i++) replyValueOf(hash, ctx.request, field.first + i, reply);
  },
});
