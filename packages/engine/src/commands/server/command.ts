/** COMMAND and its subcommands: what the registry knows, told as Redis tells it. */
import type { Reply, Request } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { globMatch } from '../../glob.js';
import { bytes, type KeySpec, type Repeated, repeat, rest, syntaxError } from '../../grammar.js';
import { miscountsKeys } from '../../key-positions.js';
import { help } from '../help.js';
import { documentCommand } from './command-docs.js';
import { describeCommand, replyFlags } from './command-info.js';

const common = {
  group: 'server',
  flags: ['loading', 'stale'],
  categories: ['connection'],
  complexity: 'O(N)',
  since: '7.0.0',
} as const;

function namedCommands({ kv, request }: Context, names: Repeated): (Command | undefined)[] {
  const named: (Command | undefined)[] = [];
  for (let i = 0; i < names.count; i++) named.push(kv.registry.byName(request.text(names.first + i)));
  return named;
}

function describeNamed(ctx: Context, names: Repeated, reply: Reply): void {
  const wanted = names.count === 0 ? ctx.kv.registry.commands : namedCommands(ctx, names);
  reply.array(wanted.length);
  for (const command of wanted) {
    if (command === undefined) reply.null();
    else describeCommand(command, reply);
  }
}

function documentNamed(ctx: Context, names: Repeated, reply: Reply): void {
  const wanted = names.count === 0 ? ctx.kv.registry.commands : namedCommands(ctx, names);
  const found = wanted.filter((command) => command !== undefined);
  reply.map(found.length);
  for (const command of found) documentCommand(command, reply);
}

/** Which commands FILTERBY lets through; null when it makes no sense. */
function filterOf(request: Request, first: number): ((command: Command) => boolean) | null {
  if (!request.is(first, 'FILTERBY')) return null;
  const value = request.text(first + 2);
  if (request.is(first + 1, 'MODULE')) return () => false;
  if (request.is(first + 1, 'ACLCAT')) return ({ categories }) => categories.includes(value.toLowerCase());
  if (request.is(first + 1, 'PATTERN')) return ({ fullName }) => globMatch(value, fullName, true);
  return null;
}

function listCommands({ kv, request }: Context, words: Repeated, reply: Reply): void {
  let found = kv.registry.commands.flatMap((command) => [command, ...command.subcommands.values()]);
  if (words.count > 0) {
    const filter = words.count === 3 ? filterOf(request, words.first) : null;
    if (filter === null) return reply.error(syntaxError);
    found = found.filter(filter);
  }
  reply.array(found.length);
  for (const { fullName } of found) reply.text(fullName);
}

function findKeys({ kv, request }: Context, words: Repeated, withFlags: boolean, reply: Reply): void {
  const asked = request.slice(words.first);
  let command = kv.registry.find(asked);
  if (command !== null && command.subcommands.size > 0 && asked.count > 1) {
    command = command.subcommands.get(asked.text(1).toUpperCase()) ?? null;
  }
  if (command === null) return reply.error('ERR Invalid command specified');
  if (command.keySpecs.every(({ uses }) => uses.includes('not_key'))) {
    return reply.error('ERR The command has no key arguments');
  }
  const { arity } = command;
  if (arity > 0 ? asked.count !== arity : asked.count < -arity) {
    return reply.error('ERR Invalid number of arguments specified for command');
  }
  const found: [number, KeySpec][] = [];
  const isMiscounted = command.keySpecs.some((spec) => miscountsKeys(spec, asked));
  if (!isMiscounted) command.forEachKey(asked, (index, spec) => found.push([index, spec]));
  if (found.length === 0 && !command.flags.has('no_mandatory_keys')) {
    return reply.error('ERR Invalid arguments specified for command');
  }
  reply.array(found.length);
  for (const [index, spec] of found) {
    if (withFlags) reply.array(2);
    reply.bulk(asked.bytes, asked.start(index), asked.length(index));
    if (withFlags) replyFlags(command.useOf(spec, asked), reply);
  }
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 631,
    name: 'COUNT',
    since: '2.8.13',
    complexity: 'O(1)',
    summary: 'Returns a count of commands.',
    args: {},
    run: ({ kv }, _args, reply) => reply.integer(kv.registry.commands.length),
  }),
  defineCommand({
    ...common,
    id: 632,
    name: 'DOCS',
    summary: 'Returns documentary information about one, multiple or all commands.',
    tips: ['nondeterministic_output_order'],
    args: { names: rest() },
    run: (ctx, { names }, reply) => documentNamed(ctx, names, reply),
  }),
  defineCommand({
    ...common,
    id: 633,
    name: 'INFO',
    since: '2.8.13',
    summary: 'Returns information about one, multiple or all commands.',
    tips: ['nondeterministic_output_order'],
    args: { names: rest() },
    run: (ctx, { names }, reply) => describeNamed(ctx, names, reply),
  }),
  defineCommand({
    ...common,
    id: 634,
    name: 'LIST',
    summary: 'Returns a list of command names.',
    tips: ['nondeterministic_output_order'],
    args: { words: rest() },
    run: (ctx, { words }, reply) => listCommands(ctx, words, reply),
  }),
  defineCommand({
    ...common,
    id: 635,
    name: 'GETKEYS',
    since: '2.8.13',
    summary: 'Extracts the key names from an arbitrary command.',
    args: { words: repeat(bytes()) },
    arity: -3,
    run: (ctx, { words }, reply) => findKeys(ctx, words, false, reply),
  }),
  defineCommand({
    ...common,
    id: 636,
    name: 'GETKEYSANDFLAGS',
    summary: 'Extracts the key names and access flags for an arbitrary command.',
    args: { words: repeat(bytes()) },
    arity: -3,
    run: (ctx, { words }, reply) => findKeys(ctx, words, true, reply),
  }),
  help(
    637,
    'COMMAND',
    'server',
    '5.0.0',
    [
      '(no subcommand)',
      '    Return details about all Redis commands.',
      'COUNT',
      '    Return the total number of commands in this Redis server.',
      'LIST',
      '    Return a list of all commands in this Redis server.',
      'INFO [<command-name> ...]',
      '    Return details about multiple Redis commands.',
      '    If no command names are given, documentation details for all',
      '    commands are returned.',
      'DOCS [<command-name> ...]',
      '    Return documentation details about multiple Redis commands.',
      '    If no command names are given, documentation details for all',
      '    commands are returned.',
      'GETKEYS <full-command>',
      '    Return the keys from a full Redis command.',
      'GETKEYSANDFLAGS <full-command>',
      '    Return the keys and the access flags from a full Redis command.',
    ],
    ['connection'],
  ),
];

export const command = defineCommand({
  ...common,
  id: 630,
  name: 'COMMAND',
  since: '2.8.13',
  summary: 'Returns detailed information about all commands.',
  tips: ['nondeterministic_output_order'],
  args: {},
  subcommands,
  run: (ctx, _args, reply) => describeNamed(ctx, { first: 0, count: 0, stride: 1 }, reply),
});
