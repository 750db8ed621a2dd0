import { defineCommand } from '../../command.js';
import { integer, timeoutMs } from '../../grammar.js';

export const wait = defineCommand({
  id: 159,
  name: 'WAIT',
  group: 'generic',
  since: '3.0.0',
  complexity: 'O(1)',
  summary:
    'Blocks until the asynchronous replication of all preceding write commands sent by the connection is completed.',
  flags: [],
  categories: ['connection'],
  tips: ['request_policy:all_shards', 'response_policy:agg_min'],
  args: { replicas: integer(), timeout: timeoutMs() },
  /** Replicas of Redis are counted that said that they have all that this client has written. */
  run(ctx, { replicas, timeout }, reply) {
    const { host, session } = ctx;
    const { downstream } = host;
    const count = (): number => host.downstream?.countOf(session) ?? 0;
    if (count() >= replicas) return reply.integer(count());
    if (ctx.mayBlock) downstream?.await(session, replicas);
    ctx.block(0, 0, { type: 0, timeoutMs: timeout, onTimeout: (late) => late.integer(count()) });
  },
});
