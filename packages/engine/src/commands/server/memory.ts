/** MEMORY and its subcommands: what keys and values take. */
import { databasesMax, type Reply } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { integer, key, option, syntaxError } from '../../grammar.js';
import { help } from '../help.js';
import { memoryFigures } from './memory-figures.js';
import { memoryUsage } from './memory-usage.js';

const common = { group: 'server', since: '4.0.0', complexity: 'O(1)', flags: [] } as const;
const special = ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'] as const;
const samplesByDefault = 5;
/** Below this nothing is said of proportions. */
const emptyBytesMax = 5 * 1024 * 1024;

function replyStats(ctx: Context, reply: Reply): void {
  const { host, kv } = ctx;
  const { process } = host.figures();
  const { clients, dataset, keys, overhead, peak, pending, used } = memoryFigures(ctx);
  const { active, allocated } = allocatorFigures(ctx);
  const resident = process.residentBytes;
  const whole: readonly [string, number][] = [
    ['peak.allocated', peak],
    ['total.allocated', used],
    ['startup.allocated', 0],
    ['replication.backlog', 0],
    ['clients.slaves', 0],
    ['clients.normal', clients],
    ['cluster.links', 0],
    ['aof.buffer', pending],
    ['lua.caches', kv.scripting.scripts.cache.bytes],
    ['functions.caches', kv.scripting.functions.libraries.bytes],
    ['overhead.total', overhead],
    ['keys.count', keys],
    ['keys.bytes-per-key', keys === 0 ? 0 : Math.round(used / keys)],
    ['dataset.bytes', dataset],
    ['process.resident', resident],
    ['process.heap.used', process.heapUsedBytes],
    ['allocator.allocated', allocated],
    ['allocator.active', active],
    ['allocator.resident', resident],
    ['allocator-fragmentation.bytes', active - allocated],
    ['allocator-rss.bytes', resident - active],
    ['rss-overhead.bytes', 0],
    ['fragmentation.bytes', resident - used],
  ];
  const fractions: readonly [string, number][] = [
    ['dataset.percentage', (dataset / used) * 100],
    ['peak.percentage', (used / peak) * 100],
    ['allocator-fragmentation.ratio', active / allocated],
    ['allocator-rss.ratio', resident / active],
    ['rss-overhead.ratio', 1],
    ['fragmentation', resident / used],
  ];
  reply.map(whole.length + fractions.length);
  for (const [name, value] of whole) {
    reply.text(name);
    reply.integer(value);
  }
  for (const [name, value] of fractions) {
    reply.text(name);
    reply.double(value);
  }
}

/** What the arenas and the heap of JavaScript have, and what of it is in use: the allocators here. */
function allocatorFigures({ host, storage }: Context): { active: number; allocated: number } {
  const { heapTotalBytes, heapUsedBytes } = host.figures().process;
  let [active, allocated] = [heapTotalBytes, heapUsedBytes];
  for (let index = 0; index < databasesMax; index++) {
    const { reservedBytes, usedBytes } = storage.database(index).arena;
    active += reservedBytes;
    allocated += usedBytes;
  }
  return { active, allocated };
}

function replyMallocStats({ host, storage }: Context, reply: Reply): void {
  const { heapTotalBytes, heapUsedBytes, residentBytes } = host.figures().process;
  let text = `resident ${residentBytes}\nheap used ${heapUsedBytes} of ${heapTotalBytes}\n`;
  for (let index = 0; index < databasesMax; index++) {
    const { usedBytes, reservedBytes } = storage.database(index).arena;
    if (reservedBytes > 0) text += `arena of db${index} used ${usedBytes} of ${reservedBytes}\n`;
  }
  reply.verbatim('txt', text);
}

function replyDoctor(ctx: Context, reply: Reply): void {
  const limit = ctx.kv.eviction.limitBytes;
  const { totalBytes, residentBytes } = ctx.host.figures().process;
  const { clients, peak, used } = memoryFigures(ctx);
  const findings: string[] = [];
  if (limit > 0 && used > limit * 0.9) {
    findings.push(`Keys and values take ${used} bytes, nearly the ${limit} of maxmemory.`);
  }
  if (used > emptyBytesMax && peak > used * 1.5) {
    findings.push(
      `Memory peaked at ${peak} bytes, and ${used} are used now: the process keeps what was freed for the data to come.`,
    );
  }
  if (clients > used / 2 && clients > emptyBytesMax) {
    findings.push(`Clients take ${clients} bytes, most of it in buffers: CLIENT LIST shows of whom.`);
  }
  if (residentBytes > totalBytes * 0.9) {
    findings.push(`The process takes ${residentBytes} bytes of the machine's ${totalBytes}.`);
  }
  reply.verbatim('txt', `${findings.length === 0 ? 'No memory problem was found.' : findings.join('\n')}\n`);
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 642,
    name: 'USAGE',
    complexity: 'O(N) where N is the number of samples.',
    summary: 'Estimates the memory usage of a key.',
    flags: ['readonly'],
    leavesNoTrace: true,
    args: { key: key('RO'), samples: option('SAMPLES', { count: integer() }) },
    run(ctx, { key, samples }, reply) {
      if (samples.present && samples.count < 0) return reply.error(syntaxError);
      const ref = ctx.find(key);
      if (ref === 0) return reply.null();
      reply.integer(memoryUsage(ctx, key, ref, samples.present ? samples.count : samplesByDefault));
    },
  }),
  defineCommand({
    ...common,
    id: 643,
    name: 'STATS',
    summary: 'Returns details about memory usage.',
    tips: special,
    args: {},
    run: (ctx, _args, reply) => replyStats(ctx, reply),
  }),
  defineCommand({
    ...common,
    id: 644,
    name: 'DOCTOR',
    summary: 'Outputs a memory problems report.',
    tips: special,
    args: {},
    run: (ctx, _args, reply) => replyDoctor(ctx, reply),
  }),
  defineCommand({
    ...common,
    id: 645,
    name: 'MALLOC-STATS',
    complexity: 'Depends on how much memory is allocated, could be slow',
    summary: 'Returns the allocator statistics.',
    tips: special,
    args: {},
    run: (ctx, _args, reply) => replyMallocStats(ctx, reply),
  }),
  defineCommand({
    ...common,
    id: 646,
    name: 'PURGE',
    complexity: 'Depends on how much memory is allocated, could be slow',
    summary: 'Asks the allocator to release memory.',
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    args: {},
    /** What removed values still hold is given back now rather than bit by bit. */
    run({ storage }, _args, reply) {
      storage.releaseSome(Number.MAX_SAFE_INTEGER);
      reply.ok();
    },
  }),
  help(647, 'MEMORY', 'server', '4.0.0', [
    'DOCTOR',
    '    Return memory problems reports.',
    'MALLOC-STATS',
    '    Return internal statistics report from the memory allocator.',
    'PURGE',
    '    Attempt to purge dirty pages for reclamation by the allocator.',
    'STATS',
    '    Return information about the memory usage of the server.',
    'USAGE <key> [SAMPLES <count>]',
    '    Return memory in bytes used by <key> and its value. Nested values are',
    '    sampled up to <count> times (default: 5, 0 means sample all).',
  ]),
];

export const memory = defineCommand({
  id: 641,
  name: 'MEMORY',
  group: 'server',
  since: '4.0.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for memory diagnostics commands.',
  flags: [],
  args: {},
  subcommands,
});
