import type { Reply } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { type Repeated, rest, syntaxError } from '../../grammar.js';

const words = ['NOSAVE', 'SAVE', 'NOW', 'FORCE', 'ABORT'] as const;

function wordsOf({ request }: Context, { count, first }: Repeated): Set<string> | null {
  const found = new Set<string>();
  for (let i = first; i < first + count; i++) {
    const word = words.find((each) => request.is(i, each));
    if (word === undefined) return null;
    found.add(word);
  }
  return found;
}

/** Without a log the data is saved when SHUTDOWN says so, or there are save points. What a log has needs no saving. */
function saves({ kv: { config } }: Context, found: ReadonlySet<string>): boolean {
  if (found.has('SAVE') || found.has('NOSAVE')) return found.has('SAVE');
  return config.text('save') !== '' && !config.flag('appendonly');
}

function endServer(ctx: Context, asked: Repeated, reply: Reply): void {
  const { host, session } = ctx;
  const found = wordsOf(ctx, asked);
  if (found === null) return reply.error(syntaxError);
  if ((found.has('ABORT') && found.size > 1) || (found.has('SAVE') && found.has('NOSAVE'))) {
    return reply.error(syntaxError);
  }
  if (found.has('ABORT')) return reply.error('ERR No shutdown in progress.');
  if (!saves(ctx, found)) {
    session.closeAfterReply = true;
    return host.requestShutdown(false);
  }
  const { snapshots } = host;
  if (snapshots === null) {
    if (!found.has('FORCE')) return reply.error('ERR Errors trying to SHUTDOWN. Check logs.');
    session.closeAfterReply = true;
    return host.requestShutdown(true);
  }
  host.defer(session, snapshots.take(), () => host.requestShutdown(true));
}

export const shutdown = defineCommand({
  id: 668,
  name: 'SHUTDOWN',
  group: 'server',
  since: '1.0.0',
  complexity:
    'O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)',
  summary: 'Synchronously saves the database(s) to disk and shuts down the Redis server.',
  flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
  args: { words: rest() },
  run: (ctx, args, reply) => endServer(ctx, args.words, reply),
});
