/** PUBSUB and its subcommands: who listens to what. */
import type { Reply } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { globMatch } from '../../glob.js';
import { bytes, optional, type Repeated, rest } from '../../grammar.js';
import { help } from '../help.js';

const common = { group: 'pubsub', complexity: 'O(N)', flags: ['pubsub', 'loading', 'stale'] } as const;

function listChannels(ctx: Context, pattern: number | null, sharded: boolean, reply: Reply): void {
  const wanted = pattern === null ? null : ctx.request.byteString(pattern);
  const names = [...ctx.host.channels(sharded)].filter((name) => wanted === null || globMatch(wanted, name));
  reply.array(names.length);
  for (const name of names) reply.byteString(name);
}

function countSubscribers(ctx: Context, names: Repeated, sharded: boolean, reply: Reply): void {
  reply.array(names.count * 2);
  for (let i = 0; i < names.count; i++) {
    const name = ctx.request.byteString(names.first + i);
    reply.byteString(name);
    reply.integer(ctx.host.subscriberCount(name, sharded));
  }
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 59,
    name: 'CHANNELS',
    since: '2.8.0',
    summary: 'Returns the active channels.',
    args: { pattern: optional(bytes()) },
    run: (ctx, { pattern }, reply) => listChannels(ctx, pattern, false, reply),
  }),
  defineCommand({
    ...common,
    id: 60,
    name: 'NUMPAT',
    since: '2.8.0',
    summary: 'Returns a count of unique pattern subscriptions.',
    args: {},
    run: ({ host }, _args, reply) => reply.integer(host.patternCount()),
  }),
  defineCommand({
    ...common,
    id: 61,
    name: 'NUMSUB',
    since: '2.8.0',
    summary: 'Returns a count of subscribers to channels.',
    args: { channels: rest() },
    run: (ctx, { channels }, reply) => countSubscribers(ctx, channels, false, reply),
  }),
  defineCommand({
    ...common,
    id: 62,
    name: 'SHARDCHANNELS',
    since: '7.0.0',
    summary: 'Returns the active shard channels.',
    args: { pattern: optional(bytes()) },
    run: (ctx, { pattern }, reply) => listChannels(ctx, pattern, true, reply),
  }),
  defineCommand({
    ...common,
    id: 63,
    name: 'SHARDNUMSUB',
    since: '7.0.0',
    summary: 'Returns the count of subscribers of shard channels.',
    args: { channels: rest() },
    run: (ctx, { channels }, reply) => countSubscribers(ctx, channels, true, reply),
  }),
  help(64, 'PUBSUB', 'pubsub', '6.2.0', [
    'CHANNELS [<pattern>]',
    "    Return the currently active channels matching a <pattern> (default: '*').",
    'NUMPAT',
    '    Return number of subscriptions to patterns.',
    'NUMSUB [<channel> ...]',
    '    Return the number of subscribers for the specified channels, excluding',
    '    pattern subscriptions(default: no channels).',
    'SHARDCHANNELS [<pattern>]',
    "    Return the currently active shard level channels matching a <pattern> (default: '*').",
    'SHARDNUMSUB [<shardchannel> ...]',
    '    Return the number of subscribers for the specified shard level channel(s)',
  ]),
];

export const pubsub = defineCommand({
  id: 58,
  name: 'PUBSUB',
  group: 'pubsub',
  since: '2.8.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for Pub/Sub commands.',
  flags: [],
  args: {},
  subcommands,
});
