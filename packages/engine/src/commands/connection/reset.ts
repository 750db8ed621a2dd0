import { defineCommand } from '../../command.js';

export const reset = defineCommand({
  id: 5,
  name: 'RESET',
  group: 'connection',
  since: '6.2.0',
  complexity: 'O(1)',
  summary: 'Resets the connection.',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  args: {},
  run({ host, session }, _args, reply) {
    const audible = session.audible(reply);
    host.reset(session);
    audible.dialect = 2;
    audible.simple('RESET');
  },
});
