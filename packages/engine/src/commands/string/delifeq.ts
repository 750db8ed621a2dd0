import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';
import { holds } from './reply-string.js';

/** Newer than Redis 7.2: the safe way to release a lock. */
export const delifeq = defineCommand({
  id: 122,
  name: 'DELIFEQ',
  group: 'string',
  since: '9.0.0',
  complexity: 'O(1)',
  summary: 'Deletes a key if its string value equals the given one.',
  flags: ['write', 'fast'],
  args: { key: key('RM', 'delete'), value: bytes() },
  run(ctx, { key, value }, reply) {
    const ref = ctx.string(key);
    if (ref < 0) return;
    if (!holds(ctx, ref, value)) return reply.integer(0);
    ctx.db.remove(ref);
    ctx.notify('g', 'del', key);
    reply.integer(1);
  },
});
