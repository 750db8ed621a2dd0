import { defineCommand } from '../../command.js';

export const role = defineCommand({
  id: 661,
  name: 'ROLE',
  group: 'server',
  since: '2.8.12',
  complexity: 'O(1)',
  summary: 'Returns the replication role.',
  flags: ['noscript', 'loading', 'stale', 'fast'],
  categories: ['admin', 'dangerous'],
  args: {},
  /** Copies of the data are not kept by replication of commands: there is no replica. */
  run({ host }, _args, reply) {
    const status = host.upstream?.status ?? null;
    if (status === null) {
      reply.array(3);
      reply.text('master');
      reply.integer(0);
      reply.array(0);
      return;
    }
    reply.array(5);
    reply.text('slave');
    reply.text(status.host);
    reply.integer(status.port);
    reply.text(status.state === 'stopped' ? 'none' : status.state);
    reply.integer(status.offset);
  },
});
