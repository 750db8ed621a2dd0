import { defineCommand } from '../../command.js';
import { key, repeat } from '../../grammar.js';

export const touch = defineCommand({
  id: 143,
  name: 'TOUCH',
  group: 'generic',
  since: '3.2.1',
  complexity: 'O(N) where N is the number of keys to check.',
  summary:
    'Returns the number of existing keys out of those specified after updating the time they were last accessed.',
  flags: ['readonly', 'fast'],
  tips: ['request_policy:multi_shard', 'response_policy:agg_sum'],
  elements: 'none',
  args: { keys: repeat(key('RO')) },
  run(ctx, { keys }, reply) {
    ctx.kv.usage.ask();
    ctx.touches = true;
    let found = 0;
    for (let i = keys.first; i < keys.first + keys.count; i++) if (ctx.read(i) !== 0) found++;
    reply.integer(found);
  },
});
