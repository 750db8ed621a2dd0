/** SLOWLOG and its subcommands: the slowest commands of late. */
import type { Reply } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { integer, optional } from '../../grammar.js';
import { help } from '../help.js';

const common = { group: 'server', since: '2.2.12', flags: ['admin', 'loading', 'stale'] } as const;
const badCount = 'ERR count should be greater than or equal to -1';
const countByDefault = 10;

function replyEntries({ kv }: Context, count: number, reply: Reply): void {
  const { slowLog } = kv.stopwatch;
  const entries = slowLog.newest(count < 0 ? slowLog.length : count);
  reply.array(entries.length);
  for (const { address, args, clientName, id, seconds, usec } of entries) {
    reply.array(6);
    reply.integer(id);
    reply.integer(seconds);
    reply.integer(usec);
    reply.array(args.length);
    for (const arg of args) reply.byteString(arg);
    reply.text(address);
    reply.byteString(clientName);
  }
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 649,
    name: 'GET',
    complexity: 'O(N) where N is the number of entries returned',
    summary: "Returns the slow log's entries.",
    tips: ['request_policy:all_nodes', 'nondeterministic_output'],
    args: { count: optional(integer({ min: -1, error: badCount })) },
    run: (ctx, { count }, reply) => replyEntries(ctx, count ?? countByDefault, reply),
  }),
  defineCommand({
    ...common,
    id: 650,
    name: 'LEN',
    complexity: 'O(1)',
    summary: 'Returns the number of entries in the slow log.',
    tips: ['request_policy:all_nodes', 'response_policy:agg_sum', 'nondeterministic_output'],
    args: {},
    run: ({ kv }, _args, reply) => reply.integer(kv.stopwatch.slowLog.length),
  }),
  defineCommand({
    ...common,
    id: 651,
    name: 'RESET',
    complexity: 'O(N) where N is the number of entries in the slowlog',
    summary: 'Clears all entries from the slow log.',
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
    args: {},
    run({ kv }, _args, reply) {
      kv.stopwatch.slowLog.clear();
      reply.ok();
    },
  }),
  help(652, 'SLOWLOG', 'server', '6.2.0', [
    'GET [<count>]',
    '    Return top <count> entries from the slowlog (default: 10, -1 mean all).',
    '    Entries are made of:',
    '    id, timestamp, time in microseconds, arguments array, client IP and port,',
    '    client name',
    'LEN',
    '    Return the length of the slowlog.',
    'RESET',
    '    Reset the slowlog.',
  ]),
];

export const slowlog = defineCommand({
  id: 648,
  name: 'SLOWLOG',
  group: 'server',
  since: '2.2.12',
  complexity: 'Depends on subcommand.',
  summary: 'A container for slow log commands.',
  flags: [],
  args: {},
  subcommands,
});
