import { defineCommand } from '../../command.js';
import { integer } from '../../grammar.js';
import { waitTimeout } from './waiting.js';

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
  args: { replicas: integer(), timeout: waitTimeout() },
  /**
   * A reply leaves when what it depends on is committed, in all copies that a write needs: more than those
   * won't come, and the time is waited for as Redis would.
   */
  run(ctx, { replicas, timeout }, reply) {
    const { host } = ctx;
    if (host.replicaCount() >= replicas) return reply.integer(host.replicaCount());
    ctx.block(0, 0, {
      type: 0,
      timeoutMs: timeout,
      onTimeout: (late) => late.integer(host.replicaCount()),
    });
  },
});
