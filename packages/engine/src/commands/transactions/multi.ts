import { defineCommand } from '../../command.js';
import { Transaction } from '../../session.js';

export const multi = defineCommand({
  id: 80,
  name: 'MULTI',
  group: 'transactions',
  since: '1.2.0',
  complexity: 'O(1)',
  summary: 'Starts a transaction.',
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  args: {},
  run({ session }, _args, reply) {
    if (session.transaction !== null) return reply.error('ERR MULTI calls can not be nested');
    session.transaction = new Transaction();
    reply.ok();
  },
});
