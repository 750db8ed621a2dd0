/** SYNC, PSYNC and REPLCONF: another server, of Redis, follows this one. */
import type { Reply } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import type { CommandFlag } from '../../command-declaration.js';
import type { Context } from '../../context.js';
import { bytes, integer, notAnInteger, syntaxError } from '../../grammar.js';
import type { ReplicaTraits } from '../../host.js';

const unsupported =
  'ERR this server is not followed by replicas of Redis: copies of the data are kept by its log, in a cluster';
const hostLengthMax = 255;
const flags: readonly CommandFlag[] = ['no_async_loading', 'admin', 'no_multi', 'noscript'];

function attach({ host, session }: Context, history: string | null, from: number, reply: Reply): void {
  if (session.isReplica) return;
  const { downstream, upstream } = host;
  if (downstream === null) return reply.error(unsupported);
  const followed = upstream?.status ?? null;
  if (followed !== null && followed.state !== 'connected') {
    return reply.error("NOMASTERLINK Can't SYNC while not connected with my master");
  }
  const problem = downstream.attach(session, history, from);
  if (problem !== null) reply.error(problem);
}

export const sync = defineCommand({
  id: 698,
  name: 'SYNC',
  group: 'server',
  since: '1.0.0',
  complexity: '',
  summary: 'An internal command used in replication.',
  flags,
  args: {},
  run: (ctx, _args, reply) => attach(ctx, null, -1, reply),
});

export const psync = defineCommand({
  id: 699,
  name: 'PSYNC',
  group: 'server',
  since: '2.8.0',
  complexity: '',
  summary: 'An internal command used in replication.',
  flags,
  arity: -3,
  args: { replicationid: bytes(), offset: integer() },
  readsSurplus: true,
  run: (ctx, { replicationid, offset }, reply) =>
    attach(ctx, ctx.request.byteString(replicationid), offset, reply),
});

export const replconf = defineCommand({
  id: 684,
  name: 'REPLCONF',
  group: 'server',
  since: '3.0.0',
  complexity: 'O(1)',
  summary: 'An internal command for configuring the replication stream.',
  flags: ['admin', 'noscript', 'loading', 'stale', 'allow_busy'],
  arity: -1,
  args: {},
  readsSurplus: true,
  /** An acknowledgement is not answered, nor what asks for one. */
  run(ctx, _args, reply) {
    const { host, request, session } = ctx;
    const { downstream } = host;
    if (request.count % 2 === 0) return reply.error(syntaxError);
    for (let i = 1; i < request.count; i += 2) {
      if (request.is(i, 'ACK')) {
        const offset = request.integer(i + 1);
        if (offset === offset) downstream?.acknowledge(session, offset);
        return;
      }
      if (request.is(i, 'GETACK')) return;
      if (downstream === null) return reply.error(unsupported);
      const problem = note(ctx, i, downstream.traitsOf(session));
      if (problem !== null) return reply.error(problem);
    }
    reply.ok();
  },
});

/** Takes down the trait at argument `i`; what is wrong with it, or null. */
function note({ request }: Context, i: number, traits: ReplicaTraits): string | null {
  if (request.is(i, 'LISTENING-PORT')) {
    traits.port = request.integer(i + 1);
    if (traits.port !== traits.port) return notAnInteger;
  } else if (request.is(i, 'IP-ADDRESS')) {
    const length = request.length(i + 1);
    if (length >= hostLengthMax) {
      return `ERR REPLCONF ip-address provided by replica instance is too long: ${length} bytes`;
    }
    traits.host = request.text(i + 1);
  } else if (request.is(i, 'CAPA')) {
    if (request.is(i + 1, 'EOF')) traits.knowsEndMark = true;
    if (request.is(i + 1, 'PSYNC2')) traits.knowsNewHistory = true;
  } else if (request.is(i, 'RDB-ONLY')) {
    const wanted = request.integer(i + 1);
    if (wanted !== wanted) return notAnInteger;
    if (wanted !== 0 && wanted !== 1) return 'ERR value is out of range, must between 0 and 1';
    traits.wantsCopyOnly = wanted === 1;
  } else if (request.is(i, 'RDB-FILTER-ONLY')) {
    return noteFilters(request.text(i + 1), traits);
  } else {
    return `ERR Unrecognized REPLCONF option: ${request.quoted(i)}`;
  }
  return null;
}

function noteFilters(text: string, traits: ReplicaTraits): string | null {
  traits.wantsData = false;
  traits.wantsFunctions = false;
  for (const word of text.split(' ').filter(Boolean)) {
    if (word.toLowerCase() !== 'functions') return `ERR Unsupported rdb-filter-only option: ${word}`;
    traits.wantsFunctions = true;
  }
  return null;
}
