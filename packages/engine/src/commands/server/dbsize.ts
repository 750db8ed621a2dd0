import { defineCommand } from '../../command.js';

export const dbsize = defineCommand({
  id: 600,
  name: 'DBSIZE',
  group: 'server',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns the number of keys in the database.',
  flags: ['readonly', 'fast'],
  categories: ['keyspace'],
  tips: ['request_policy:all_shards', 'response_policy:agg_sum'],
  args: {},
  run(ctx, _args, reply) {
    const { session, storage } = ctx;
    ctx.dependOnAll();
    reply.integer(storage.keyCount(session.database));
  },
});
