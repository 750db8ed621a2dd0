import { defineCommand } from '../../command.js';

export const exec = defineCommand({
  id: 81,
  name: 'EXEC',
  group: 'transactions',
  since: '1.2.0',
  complexity: 'Depends on commands in the transaction',
  summary: 'Executes all commands in a transaction.',
  flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
  args: {},
  run({ host, session }, _args, reply) {
    if (session.transaction === null) return reply.error('ERR EXEC without MULTI');
    host.exec(session, reply);
  },
});
