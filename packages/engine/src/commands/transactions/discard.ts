import { defineCommand } from '../../command.js';

export const discard = defineCommand({
  id: 82,
  name: 'DISCARD',
  group: 'transactions',
  since: '2.0.0',
  complexity: 'O(N), when N is the number of queued commands',
  summary: 'Discards a transaction.',
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  args: {},
  run({ host, session }, _args, reply) {
    if (session.transaction === null) return reply.error('ERR DISCARD without MULTI');
    host.discard(session);
    reply.ok();
  },
});
