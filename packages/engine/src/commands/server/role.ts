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
  /** Copies of the data are not kept by replication of commands: there is no offset and no replica. */
  run(_ctx, _args, reply) {
    reply.array(3);
    reply.text('master');
    reply.integer(0);
    reply.array(0);
  },
});
