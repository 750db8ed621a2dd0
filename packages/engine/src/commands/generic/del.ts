import { defineCommand } from '../../command.js';
import { key, repeat } from '../../grammar.js';

export const del = defineCommand({
  id: 140,
  name: 'DEL',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of keys',
  summary: 'Deletes one or more keys.',
  flags: ['write'],
  tips: ['request_policy:multi_shard', 'response_policy:agg_sum'],
  elements: 'none',
  args: { keys: repeat(key('RM', 'delete')) },
  /** Large values are released bit by bit afterwards. */
  run(ctx, { keys }, reply) {
    let removed = 0;
    for (let i = keys.first; i < keys.first + keys.count; i++) {
      if (!ctx.remove(i)) continue;
      ctx.notify('g', 'del', i);
      removed++;
    }
    ctx.countChanges(removed);
    reply.integer(removed);
  },
});
