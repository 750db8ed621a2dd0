/** SAVE, BGSAVE, BGREWRITEAOF and LASTSAVE: whole copies of the data on disk. */
import { defineCommand } from '../../command.js';
import { token } from '../../grammar.js';

const common = { group: 'server', since: '1.0.0', complexity: 'O(1)' } as const;
const flags = ['admin', 'noscript', 'no_async_loading'] as const;

const noSnapshots = 'ERR this server has no directory to save to';
const underWay = 'ERR Background save already in progress';

export const save = defineCommand({
  ...common,
  id: 665,
  name: 'SAVE',
  complexity: 'O(N) where N is the total number of keys in all databases',
  summary: 'Synchronously saves the database(s) to disk.',
  flags: [...flags, 'no_multi'],
  args: {},
  /** Others go on meanwhile: only this client waits. */
  run({ host, session }, _args, reply) {
    const { snapshots } = host;
    if (snapshots === null) return reply.error(noSnapshots);
    if (snapshots.isRunning) return reply.error(underWay);
    host.defer(session, snapshots.take(), (late) => late.ok());
  },
});

export const bgsave = defineCommand({
  ...common,
  id: 666,
  name: 'BGSAVE',
  summary: 'Asynchronously saves the database(s) to disk.',
  flags,
  args: { schedule: token('SCHEDULE') },
  run({ host }, _args, reply) {
    const { snapshots } = host;
    if (snapshots === null) return reply.error(noSnapshots);
    if (snapshots.isRunning) return reply.error(underWay);
    // Whether it succeeded is seen in INFO and by LASTSAVE.
    snapshots.take().catch(() => {});
    reply.simple('Background saving started');
  },
});

export const bgrewriteaof = defineCommand({
  ...common,
  id: 667,
  name: 'BGREWRITEAOF',
  summary: 'Asynchronously rewrites the append-only file to disk.',
  flags,
  args: {},
  /** A snapshot is what lets the log be short. */
  run({ host }, _args, reply) {
    const { snapshots } = host;
    if (snapshots === null) return reply.error(noSnapshots);
    const how = snapshots.isRunning ? 'scheduled' : 'started';
    // It joins one that is under way.
    snapshots.take(true).catch(() => {});
    reply.simple(`Background append only file rewriting ${how}`);
  },
});

export const lastsave = defineCommand({
  ...common,
  id: 664,
  name: 'LASTSAVE',
  summary: 'Returns the Unix timestamp of the last successful save to disk.',
  flags: ['loading', 'stale', 'fast'],
  categories: ['admin', 'dangerous'],
  tips: ['nondeterministic_output'],
  args: {},
  /** Before the first one: when the server started, as Redis says it. */
  run({ host }, _args, reply) {
    const ms = host.snapshots?.lastFinishedMs || host.figures().startedMs;
    reply.integer(Math.floor(ms / 1000));
  },
});
