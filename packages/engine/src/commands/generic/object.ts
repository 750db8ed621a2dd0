/** OBJECT and its subcommands: how a value is kept. */
import { parseInteger } from '@holdfast/common';
import type { Ref } from '@holdfast/storage';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { key } from '../../grammar.js';
import { help } from '../help.js';
import { encodingOf, reportedEncoding } from './encoding.js';

const noFrequencies =
  'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.';

const noIdleTimes =
  'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.';

/** What Redis reports of the small integers that all keys share. */
const sharedReferences = 2147483647;
const sharedIntegersEnd = 10000;

/** Whether Redis would keep one object for all keys with this value. */
function isShared({ db, kv }: Context, ref: Ref): boolean {
  if (encodingOf(db, ref) !== 'int') return false;
  const policy = kv.config.text('maxmemory-policy');
  if (kv.config.number('maxmemory') > 0 && /lru|lfu/.test(policy)) return false;
  db.readString(ref);
  const value = parseInteger(db.valueBytes, db.valueStart, db.valueLength);
  return value >= 0 && value < sharedIntegersEnd;
}

/** The record of the key: a hit or a miss, but no event tells of it. */
function look(ctx: Context, key: number): Ref {
  const { stats } = ctx.kv;
  const ref = ctx.find(key);
  if (ref === 0) stats.misses++;
  else stats.hits++;
  return ref;
}

const common = { group: 'generic', complexity: 'O(1)', flags: ['readonly'], leavesNoTrace: true } as const;

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 161,
    name: 'ENCODING',
    since: '2.2.3',
    summary: 'Returns the internal encoding of a Redis object.',
    tips: ['nondeterministic_output'],
    args: { key: key('RO') },
    run(ctx, args, reply) {
      const ref = look(ctx, args.key);
      if (ref === 0) reply.null();
      else reply.text(reportedEncoding(ctx.kv, ctx.db, ref));
    },
  }),
  defineCommand({
    ...common,
    id: 162,
    name: 'REFCOUNT',
    since: '2.2.3',
    summary: 'Returns the reference count of a value of a key.',
    tips: ['nondeterministic_output'],
    args: { key: key('RO') },
    run(ctx, args, reply) {
      const ref = look(ctx, args.key);
      if (ref === 0) reply.null();
      else reply.integer(isShared(ctx, ref) ? sharedReferences : 1);
    },
  }),
  defineCommand({
    ...common,
    id: 168,
    name: 'IDLETIME',
    since: '2.2.3',
    summary: 'Returns the time since the last access to a Redis object.',
    tips: ['nondeterministic_output'],
    elements: 'none',
    args: { key: key('RO') },
    run(ctx, args, reply) {
      const { usage } = ctx.kv;
      usage.ask();
      const ref = look(ctx, args.key);
      if (ref === 0) return reply.null();
      if (usage.countsAccesses) return reply.error(noIdleTimes);
      reply.integer(usage.idleMs(ctx.db.dict.access, ctx.db.version(ref)) / 1000);
    },
  }),
  defineCommand({
    ...common,
    id: 169,
    name: 'FREQ',
    since: '4.0.0',
    summary: 'Returns the logarithmic access frequency counter of a Redis object.',
    tips: ['nondeterministic_output'],
    elements: 'none',
    args: { key: key('RO') },
    run(ctx, args, reply) {
      const { usage } = ctx.kv;
      const ref = look(ctx, args.key);
      if (ref === 0) return reply.null();
      if (!usage.countsAccesses) return reply.error(noFrequencies);
      reply.integer(usage.frequency(ctx.db.dict.access, ctx.db.version(ref)));
    },
  }),
  help(165, 'OBJECT', 'generic', '6.2.0', [
    'ENCODING <key>',
    '    Return the kind of internal representation used in order to store the value',
    '    associated with a <key>.',
    'FREQ <key>',
    '    Return the access frequency index of the <key>. The returned integer is',
    '    proportional to the logarithm of the recent access frequency of the key.',
    'IDLETIME <key>',
    '    Return the idle time of the <key>, that is the approximated number of',
    '    seconds elapsed since the last access to the key.',
    'REFCOUNT <key>',
    '    Return the number of references of the value associated with the specified',
    '    <key>.',
  ]),
];

export const object = defineCommand({
  id: 160,
  name: 'OBJECT',
  group: 'generic',
  since: '2.2.3',
  complexity: 'Depends on subcommand.',
  summary: 'A container for object introspection commands.',
  flags: [],
  args: {},
  subcommands,
});
