/** REPLICAOF, and SLAVEOF, its older name: a server of Redis is followed, until it is left. */
import { hostBytesMax, type Reply } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes } from '../../grammar.js';

const unsupported =
  'ERR this server does not replicate by REPLICAOF: copies of the data are kept by its log, in a cluster';

function setMaster(ctx: Context, host: number, port: number, reply: Reply): void {
  const { request, host: server } = ctx;
  const { upstream } = server;
  if (request.is(host, 'NO') && request.is(port, 'ONE')) {
    if (upstream !== null && upstream.status !== null) {
      upstream.leave();
      server.log('notice', 'upstream was left: this server goes on alone');
    }
    return reply.ok();
  }
  const number = request.integer(port);
  if (!(number >= 0 && number <= 65535)) return reply.error('ERR Invalid master port');
  if (upstream === null) return reply.error(unsupported);
  // It would be looked up, shown and logged, each of which takes its time.
  if (request.length(host) > hostBytesMax) return reply.error('ERR Invalid master host');
  const name = request.text(host);
  const { status } = upstream;
  if (status !== null && status.host === name && status.port === number) {
    return reply.simple('OK Already connected to specified master');
  }
  upstream.follow(name, number);
  server.unblockAll();
  reply.ok();
}

function declare(id: number, name: string, since: string, summary: string): Command {
  return defineCommand({
    id,
    name,
    group: 'server',
    since,
    complexity: 'O(1)',
    summary,
    flags: ['admin', 'noscript', 'stale', 'no_async_loading'],
    args: { host: bytes(), port: bytes() },
    run: (ctx, { host, port }, reply) => setMaster(ctx, host, port, reply),
  });
}

export const replicaof = declare(
  662,
  'REPLICAOF',
  '5.0.0',
  'Configures a server as replica of another, or promotes it to a master.',
);
export const slaveof = declare(
  663,
  'SLAVEOF',
  '1.0.0',
  'Sets a Redis server as a replica of another, or promotes it to being a master.',
);
