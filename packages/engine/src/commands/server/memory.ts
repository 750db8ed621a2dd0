/** MEMORY and its subcommands: what keys and values take. */
import { databasesMax, type Reply } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { integer, key, option, syntaxError } from '../../grammar.js';
import { help } from '../help.js';
import { memoryUsage } from './memory-usage.js';

const common = { group: 'server', since: '4.0.0', complexity: 'O(1)', flags: [] } as const;
const special = ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'] as const;
const samplesByDefault = 5;

function replyStats({ host, kv, storage }: Context, reply: Reply): void {
  const { peakBytes, process } = host.figures();
  const { usedBytes } = storage;
  let keys = 0;
  let indexBytes = 0;
  for (let index = 0; index < databasesMax; index++) {
    keys += storage.keyCount(index);
    indexBytes += storage.database(index).dict.indexBytes;
  }
  const datasetBytes = usedBytes - indexBytes;
  const whole: readonly [string, number][] = [
    ['peak.allocated', peakBytes],
    ['total.allocated', usedBytes],
    ['startup.allocated', 0],
    ['overhead.total', indexBytes],
    ['keys.count', keys],
    ['keys.bytes-per-key', keys === 0 ? 0 : Math.round(usedBytes / keys)],
    ['lua.caches', kv.scripting.cache.bytes],
    ['functions.caches', kv.scripting.functions.libraries.bytes],
    ['dataset.bytes', datasetBytes],
    ['process.resident', process.residentBytes],
    ['process.heap.used', process.heapUsedBytes],
  ];
  const fractions: readonly [string, number][] = [
    ['dataset.percentage', usedBytes === 0 ? 0 : (datasetBytes / usedBytes) * 100],
    ['peak.percentage', peakBytes === 0 ? 100 : (usedBytes / peakBytes) * 100],
    ['fragmentation', usedBytes === 0 ? 0 : process.residentBytes / usedBytes],
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

function replyMallocStats({ host, storage }: Context, reply: Reply): void {
  const { heapTotalBytes, heapUsedBytes, residentBytes } = host.figures().process;
  let text = `resident ${residentBytes}\nheap used ${heapUsedBytes} of ${heapTotalBytes}\n`;
  for (let index = 0; index < databasesMax; index++) {
    const { usedBytes, reservedBytes } = storage.database(index).arena;
    if (reservedBytes > 0) text += `arena of db${index} used ${usedBytes} of ${reservedBytes}\n`;
  }
  reply.verbatim('txt', text);
}

function replyDoctor({ host, kv, storage }: Context, reply: Reply): void {
  const limit = kv.config.number('maxmemory');
  const { totalBytes, residentBytes } = host.figures().process;
  const findings: string[] = [];
  if (limit > 0 && storage.usedBytes > limit * 0.9) {
    findings.push(`Keys and values take ${storage.usedBytes} bytes, nearly the ${limit} of maxmemory.`);
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
