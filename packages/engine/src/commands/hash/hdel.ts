import { defineCommand } from '../../command.js';
import { bytes, key, repeat } from '../../grammar.js';
import { findHash, removeField } from './hashes.js';

export const hdel = defineCommand({
  id: 210,
  name: 'HDEL',
  group: 'hash',
  since: '2.0.0',
  complexity: 'O(N) where N is the number of fields to be removed.',
  summary: 'Deletes one or more fields and their values from a hash. Deletes the hash if no fields remain.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'delete'), field: repeat(bytes()) },
  run(ctx, { key, field }, reply) {
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    if (hash === null) return reply.integer(0);
    let removed = 0;
    for (let i = 0; i < field.count && hash.size > 0; i++) {
      if (removeField(hash, ctx.request, field.first + i)) removed++;
    }
    ctx.countChanges(removed);
    if (removed > 0) ctx.notify('h', 'hdel', key);
    ctx.removeIfEmpty(key, hash);
    reply.integer(removed);
  },
});
