import { defineCommand } from '../../command.js';
import { replyTime } from '../../expiry-options.js';
import { key } from '../../grammar.js';

export const ttl = defineCommand({
  id: 149,
  name: 'TTL',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns the time to live of a key.',
  flags: ['readonly', 'fast'],
  leavesNoTrace: true,
  tips: ['nondeterministic_output'],
  elements: 'none',
  args: { key: key('RO', 'access') },
  /** -2: no such key; -1: it does not expire. */
  run(ctx, { key }, reply) {
    const ref = ctx.read(key);
    if (ref === 0) return reply.integer(-2);
    const expiryMs = ctx.db.expiry(ref);
    replyTime(reply, expiryMs === 0 ? -1 : Math.floor((expiryMs - ctx.nowMs + 500) / 1000));
  },
});
