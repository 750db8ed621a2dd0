import { defineCommand } from '../../command.js';

export const unwatch = defineCommand({
  id: 84,
  name: 'UNWATCH',
  group: 'transactions',
  since: '2.2.0',
  complexity: 'O(1)',
  summary: 'Forgets about watched keys of a transaction.',
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  args: {},
  run({ host, session }, _args, reply) {
    host.unwatch(session);
    reply.ok();
  },
});
