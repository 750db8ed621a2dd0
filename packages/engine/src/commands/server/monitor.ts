import { defineCommand } from '../../command.js';

export const monitor = defineCommand({
  id: 669,
  name: 'MONITOR',
  group: 'server',
  since: '1.0.0',
  complexity: '',
  summary: 'Listens for all requests received by the server in real-time.',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  args: {},
  run({ host, mayBlock, session }, _args, reply) {
    if (!mayBlock) return reply.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
    host.monitor(session);
    reply.ok();
  },
});
