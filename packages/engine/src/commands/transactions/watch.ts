import { defineCommand } from '../../command.js';
import { key, repeat } from '../../grammar.js';

export const watch = defineCommand({
  id: 83,
  name: 'WATCH',
  group: 'transactions',
  since: '2.2.0',
  complexity: 'O(1) for every key.',
  summary: 'Monitors changes to keys to determine the execution of a transaction.',
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  args: { keys: repeat(key('RO')) },
  run({ host, request, session }, { keys }, reply) {
    if (session.transaction !== null) return reply.error('ERR WATCH inside MULTI is not allowed');
    for (let i = 0; i < keys.count; i++) host.watch(session, session.database, request.view(keys.first + i));
    reply.ok();
  },
});
