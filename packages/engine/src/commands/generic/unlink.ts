import { defineCommand } from '../../command.js';
import { key, repeat } from '../../grammar.js';

export const unlink = defineCommand({
  id: 141,
  name: 'UNLINK',
  group: 'generic',
  since: '4.0.0',
  complexity: 'O(1) for each key',
  summary: 'Asynchronously deletes one or more keys.',
  flags: ['write', 'fast'],
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
