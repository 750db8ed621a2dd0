import { defineCommand } from '../../command.js';
import { integer, timeoutMs } from '../../grammar.js';

export const waitaof = defineCommand({
  id: 166,
  name: 'WAITAOF',
  group: 'generic',
  since: '7.2.0',
  complexity: 'O(1)',
  summary:
    'Blocks until all of the preceding write commands sent by the connection are written to the append-only file of the master and/or replicas.',
  flags: ['noscript'],
  categories: ['connection'],
  tips: ['request_policy:all_shards', 'response_policy:agg_min'],
  args: {
    local: integer({ min: 0, max: 1, rangeError: 'ERR value is out of range, value must between 0 and 1' }),
    replicas: integer({ min: 0, error: 'ERR value is out of range, must be positive' }),
    timeout: timeoutMs(),
  },
  /** As WAIT: a reply that is sent says by itself that what came before it is in the log. */
  run(ctx, { local, replicas, timeout }, reply) {
    const { kv } = ctx;
    const logs = kv.config.flag('appendonly') ? 1 : 0;
    if (local > logs) {
      return reply.error('ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.');
    }
    const answer = (to: typeof reply): void => {
      to.array(2);
      to.integer(logs);
      // What replicas have on their disks is not told here.
      to.integer(0);
    };
    if (replicas <= 0) return answer(reply);
    ctx.block(0, 0, { type: 0, timeoutMs: timeout, onTimeout: answer });
  },
});
