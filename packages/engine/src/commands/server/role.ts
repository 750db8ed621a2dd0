import type { Reply } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import type { DownstreamStatus } from '../../host.js';

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
  run({ host }, _args, reply) {
    const status = host.followed;
    if (status === null) return describeMaster(host.downstream?.status ?? null, reply);
    reply.array(5);
    reply.text('slave');
    reply.text(status.host);
    reply.integer(status.port);
    reply.text(status.state === 'stopped' ? 'none' : status.state);
    reply.integer(status.offset);
  },
});

function describeMaster(status: DownstreamStatus | null, reply: Reply): void {
  const replicas = status?.replicas.filter(({ state }) => state === 'online') ?? [];
  reply.array(3);
  reply.text('master');
  reply.integer(status?.offset ?? 0);
  reply.array(replicas.length);
  for (const { host, offset, port } of replicas) {
    reply.array(3);
    reply.text(host);
    reply.text(String(port));
    reply.text(String(offset));
  }
}
