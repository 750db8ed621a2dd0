/** LATENCY and its subcommands: spikes by event, and how long the commands take. */
import type { Reply } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, type Repeated, rest } from '../../grammar.js';
import { help } from '../help.js';
import { latencyGraph, latencyReport } from './latency-report.js';

const common = {
  group: 'server',
  since: '2.8.13',
  complexity: 'O(1)',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  tips: ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'],
} as const;

function replyLatest({ kv }: Context, reply: Reply): void {
  const events = [...kv.stopwatch.latency.all()];
  reply.array(events.length);
  for (const [name, { samples, worstMs }] of events) {
    const last = samples[samples.length - 1];
    reply.array(4);
    reply.byteString(name);
    reply.integer(last.seconds);
    reply.integer(last.ms);
    reply.integer(worstMs);
  }
}

function replyHistory({ kv, request }: Context, event: number, reply: Reply): void {
  const samples = kv.stopwatch.latency.get(request.byteString(event))?.samples ?? [];
  reply.array(samples.length);
  for (const { ms, seconds } of samples) {
    reply.array(2);
    reply.integer(seconds);
    reply.integer(ms);
  }
}

function resetEvents({ kv, request }: Context, events: Repeated, reply: Reply): void {
  const { latency } = kv.stopwatch;
  if (events.count === 0) return reply.integer(latency.clear());
  let removed = 0;
  for (let i = 0; i < events.count; i++) {
    if (latency.remove(request.byteString(events.first + i))) removed++;
  }
  reply.integer(removed);
}

/** The commands named, with their subcommands; all of them when none is. */
function timedCommands({ kv: { registry }, request }: Context, names: Repeated): Command[] {
  const named: (Command | undefined)[] = [];
  for (let i = 0; i < names.count; i++) named.push(registry.byName(request.text(names.first + i)));
  return (names.count === 0 ? registry.commands : named)
    .filter((command) => command !== undefined)
    .flatMap((command) => [command, ...command.subcommands.values()])
    .filter((command) => registry.figuresOf(command).times.hasHistogram);
}

/** The calls that were timed, which for commands in O(1) are some of them: see Stopwatch. */
function replyHistograms(ctx: Context, names: Repeated, reply: Reply): void {
  const commands = timedCommands(ctx, names);
  reply.map(commands.length);
  for (const command of commands) {
    const { times } = ctx.kv.registry.figuresOf(command);
    reply.text(command.fullName);
    reply.map(2);
    reply.text('calls');
    reply.integer(times.histogramCount);
    reply.text('histogram_usec');
    const pairs = times.cumulative();
    reply.map(pairs.length);
    for (const [usec, count] of pairs) {
      reply.integer(usec);
      reply.integer(count);
    }
  }
}

function replyGraph({ env, kv, request }: Context, name: number, reply: Reply): void {
  const event = kv.stopwatch.latency.get(request.byteString(name));
  if (event === undefined) {
    return reply.error(`ERR No samples available for event '${request.quoted(name)}'`);
  }
  const nowSeconds = Math.floor(env.clock.now() / 1000);
  reply.verbatim('txt', latencyGraph(request.text(name), event, nowSeconds));
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 654,
    name: 'LATEST',
    summary: 'Returns the latest latency samples for all events.',
    args: {},
    run: (ctx, _args, reply) => replyLatest(ctx, reply),
  }),
  defineCommand({
    ...common,
    id: 655,
    name: 'HISTORY',
    summary: 'Returns timestamp-latency samples for an event.',
    args: { event: bytes() },
    run: (ctx, { event }, reply) => replyHistory(ctx, event, reply),
  }),
  defineCommand({
    ...common,
    id: 656,
    name: 'RESET',
    summary: 'Resets the latency data for one or more events.',
    tips: ['request_policy:all_nodes', 'response_policy:agg_sum'],
    args: { events: rest() },
    run: (ctx, { events }, reply) => resetEvents(ctx, events, reply),
  }),
  defineCommand({
    ...common,
    id: 657,
    name: 'GRAPH',
    summary: 'Returns a latency graph for an event.',
    args: { event: bytes() },
    run: (ctx, { event }, reply) => replyGraph(ctx, event, reply),
  }),
  defineCommand({
    ...common,
    id: 658,
    name: 'DOCTOR',
    summary: 'Returns a human-readable latency analysis report.',
    args: {},
    run: ({ kv }, _args, reply) => reply.verbatim('txt', latencyReport(kv.stopwatch.latency)),
  }),
  defineCommand({
    ...common,
    id: 659,
    name: 'HISTOGRAM',
    since: '7.0.0',
    complexity: 'O(N) where N is the number of commands with latency information being retrieved.',
    summary: 'Returns the cumulative distribution of latencies of a subset or all commands.',
    args: { commands: rest() },
    run: (ctx, { commands }, reply) => replyHistograms(ctx, commands, reply),
  }),
  help(660, 'LATENCY', 'server', '2.8.13', [
    'DOCTOR',
    '    Return a human readable latency analysis report.',
    'GRAPH <event>',
    '    Return an ASCII latency graph for the <event> class.',
    'HISTORY <event>',
    '    Return time-latency samples for the <event> class.',
    'LATEST',
    '    Return the latest latency samples for all events.',
    'RESET [<event> ...]',
    '    Reset latency data of one or more <event> classes.',
    '    (default: reset all data for all event classes)',
    'HISTOGRAM [COMMAND ...]',
    '    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.',
    '    If no commands are specified then all histograms are replied.',
  ]),
];

export const latency = defineCommand({
  id: 653,
  name: 'LATENCY',
  group: 'server',
  since: '2.8.13',
  complexity: 'Depends on subcommand.',
  summary: 'A container for latency diagnostics commands.',
  flags: [],
  args: {},
  subcommands,
});
