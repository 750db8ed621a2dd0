import { defineCommand } from '../../command.js';
import { key, repeat } from '../../grammar.js';

export const exists = defineCommand({
  id: 142,
  name: 'EXISTS',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of keys to check.',
  summary: 'Determines whether one or more keys exist.',
  flags: ['readonly', 'fast'],
  leavesNoTrace: true,
  tips: ['request_policy:multi_shard', 'response_policy:agg_sum'],
  elements: 'none',
  args: { keys: repeat(key('RO')) },
  run(ctx, { keys }, reply) {
    let found = 0;
    for (let i = keys.first; i < keys.first + keys.count; i++) if (ctx.read(i) !== 0) found++;
    reply.integer(found);
  },
});
