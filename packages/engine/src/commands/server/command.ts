/** COMMAND and its subcommands: what the registry knows, told as Redis tells it. */
import { type Reply, Request } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { globMatch } from '../../glob.js';
import { type ArgumentDoc, bytes, type KeySpec, type Repeated, repeat, rest } from '../../grammar.js';
import { help } from '../help.js';

const common = { group: 'server', flags: ['loading', 'stale'], complexity: 'O(N)', since: '7.0.0' } as const;
const connection = { categories: ['connection'] } as const;

const uses: Readonly<Record<string, string>> = { incomplete: 'incomplete', variable_flags: 'variable_flags' };

function describeKeySpec(spec: KeySpec, reply: Reply): void {
  reply.map(3);
  reply.text('flags');
  const flags = [spec.access as string, ...spec.uses.map((use) => uses[use] ?? use)];
  reply.set(flags.length);
  for (const flag of flags) reply.simple(flag);
  reply.text('begin_search');
  reply.map(2);
  reply.text('type');
  if ('index' in spec.begin) {
    reply.text('index');
    reply.text('spec');
    reply.map(1);
    reply.text('index');
    reply.integer(spec.begin.index);
  } else {
    reply.text('keyword');
    reply.text('spec');
    reply.map(2);
    reply.text('keyword');
    reply.text(spec.begin.keyword);
    reply.text('startfrom');
    reply.integer(spec.begin.startFrom);
  }
  reply.text('find_keys');
  reply.map(2);
  reply.text('type');
  const isRange = 'lastKey' in spec.find;
  reply.text(isRange ? 'range' : 'keynum');
  reply.text('spec');
  const fields = isRange
    ? { lastkey: spec.find.lastKey, keystep: spec.find.step, limit: spec.find.limit }
    : { keynumidx: spec.find.keyNumIndex, firstkey: spec.find.firstKey, keystep: spec.find.step };
  reply.map(3);
  for (const [name, value] of Object.entries(fields)) {
    reply.text(name);
    reply.integer(value);
  }
}

/** First, last and step, as clients before key specifications want them. */
function legacyPositions({ keySpecs }: Command): [number, number, number] {
  const [spec] = keySpecs;
  if (spec === undefined || !('index' in spec.begin) || !('lastKey' in spec.find)) return [0, 0, 0];
  let { lastKey, step } = spec.find;
  const first = spec.begin.index;
  if (lastKey >= 0) lastKey += first;
  // Neighbouring keys of several specifications make one range.
  for (const next of keySpecs.slice(1)) {
    if ('index' in next.begin && next.begin.index === lastKey + 1 && 'lastKey' in next.find) {
      lastKey = next.begin.index + next.find.lastKey;
      step = 1;
    }
  }
  return [first, lastKey, step];
}

function describeCommand(command: Command, reply: Reply): void {
  const [first, last, step] = legacyPositions(command);
  const flags: string[] = [...command.flags];
  if (command.hasMovableKeys) flags.push('movablekeys');
  const categories = command.categories;
  const tips = command.declaration.tips ?? [];
  reply.array(10);
  reply.text(command.fullName);
  reply.integer(command.arity);
  reply.set(flags.length);
  for (const flag of flags) reply.simple(flag);
  reply.integer(first);
  reply.integer(last);
  reply.integer(step);
  reply.set(categories.length);
  for (const category of categories) reply.simple(`@${category}`);
  reply.set(tips.length);
  for (const tip of tips) reply.text(tip);
  reply.set(command.keySpecs.length);
  for (const spec of command.keySpecs) describeKeySpec(spec, reply);
  reply.set(command.subcommands.size);
  for (const subcommand of command.subcommands.values()) describeCommand(subcommand, reply);
}

function describeArgument(doc: ArgumentDoc, reply: Reply): void {
  const fields: [string, () => void][] = [
    ['name', () => reply.text(doc.name)],
    ['type', () => reply.text(doc.type)],
  ];
  if (doc.keySpecIndex !== undefined) fields.push(['key_spec_index', () => reply.integer(doc.keySpecIndex!)]);
  if (doc.token !== undefined) fields.push(['token', () => reply.text(doc.token!)]);
  if (doc.flags.length > 0) {
    fields.push([
      'flags',
      () => {
        reply.set(doc.flags.length);
        for (const flag of doc.flags) reply.simple(flag);
      },
    ]);
  }
  if (doc.arguments !== undefined) {
    fields.push(['arguments', () => describeArguments(doc.arguments!, reply)]);
  }
  reply.map(fields.length);
  for (const [name, write] of fields) {
    reply.text(name);
    write();
  }
}

function describeArguments(docs: readonly ArgumentDoc[], reply: Reply): void {
  reply.array(docs.length);
  for (const doc of docs) describeArgument(doc, reply);
}

function documentCommand(command: Command, reply: Reply): void {
  const { declaration } = command;
  const args = command.describeArguments();
  const subcommands = [...command.subcommands.values()];
  reply.text(command.fullName);
  reply.map(4 + (args.length > 0 ? 1 : 0) + (subcommands.length > 0 ? 1 : 0));
  for (const field of ['summary', 'since', 'group', 'complexity'] as const) {
    reply.text(field);
    reply.text(declaration[field]);
  }
  if (args.length > 0) {
    reply.text('arguments');
    describeArguments(args, reply);
  }
  if (subcommands.length === 0) return;
  reply.text('subcommands');
  reply.map(subcommands.length);
  for (const subcommand of subcommands) documentCommand(subcommand, reply);
}

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

function listCommands({ kv, request }: Context, words: Repeated, reply: Reply): void {
  let isWanted = (_command: Command): boolean => true;
  if (words.count > 0) {
    if (words.count !== 3 || !request.is(words.first, 'FILTERBY')) return reply.error('ERR syntax error');
    const filter = request.text(words.first + 1).toLowerCase();
    const value = request.text(words.first + 2).toLowerCase();
    if (filter === 'module') isWanted = () => false;
    else if (filter === 'aclcat') isWanted = (command) => command.categories.includes(value);
    else if (filter === 'pattern') isWanted = (command) => globMatch(value, command.fullName, true);
    else return reply.error('ERR syntax error');
  }
  const found = kv.registry.commands
    .flatMap((command) => [command, ...command.subcommands.values()])
    .filter((command) => (words.count > 0 || !command.fullName.includes('|')) && isWanted(command));
  reply.array(found.length);
  for (const { fullName } of found) reply.text(fullName);
}

function findKeys({ kv, request }: Context, words: Repeated, withFlags: boolean, reply: Reply): void {
  const args: Uint8Array[] = [];
  for (let i = 0; i < words.count; i++) args.push(request.view(words.first + i));
  const asked = Request.of(...args);
  let command = kv.registry.find(asked);
  if (command !== null && command.subcommands.size > 0 && asked.count > 1) {
    command = command.subcommands.get(asked.text(1).toUpperCase()) ?? null;
  }
  if (command === null) return reply.error('ERR Invalid command specified');
  if (command.keySpecs.length === 0) return reply.error('ERR The command has no key arguments');
  const { arity } = command;
  if (arity > 0 ? asked.count !== arity : asked.count < -arity) {
    return reply.error('ERR Invalid number of arguments specified for command');
  }
  const found: [number, KeySpec][] = [];
  command.forEachKey(asked, (index, spec) => found.push([index, spec]));
  if (found.length === 0) return reply.error('ERR Invalid arguments specified for command');
  reply.array(found.length);
  for (const [index, { access, uses: keyUses }] of found) {
    if (withFlags) reply.array(2);
    reply.bulk(asked.bytes, asked.start(index), asked.length(index));
    if (!withFlags) continue;
    reply.set(1 + keyUses.length);
    for (const flag of [access, ...keyUses]) reply.simple(flag);
  }
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    ...connection,
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
    ...connection,
    id: 632,
    name: 'DOCS',
    summary: 'Returns documentary information about one, multiple or all commands.',
    tips: ['nondeterministic_output_order'],
    args: { names: rest() },
    run: (ctx, { names }, reply) => documentNamed(ctx, names, reply),
  }),
  defineCommand({
    ...common,
    ...connection,
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
    ...connection,
    id: 634,
    name: 'LIST',
    summary: 'Returns a list of command names.',
    tips: ['nondeterministic_output_order'],
    args: { words: rest() },
    run: (ctx, { words }, reply) => listCommands(ctx, words, reply),
  }),
  defineCommand({
    ...common,
    ...connection,
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
    ...connection,
    id: 636,
    name: 'GETKEYSANDFLAGS',
    summary: 'Extracts the key names and access flags for an arbitrary command.',
    args: { words: repeat(bytes()) },
    arity: -3,
    run: (ctx, { words }, reply) => findKeys(ctx, words, true, reply),
  }),
  help(637, 'COMMAND', 'server', '5.0.0', [
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
  ]),
];

export const command = defineCommand({
  ...common,
  ...connection,
  id: 630,
  name: 'COMMAND',
  since: '2.8.13',
  summary: 'Returns detailed information about all commands.',
  tips: ['nondeterministic_output_order'],
  args: {},
  subcommands,
  run: (ctx, _args, reply) => describeNamed(ctx, { first: 0, count: 0, stride: 1 }, reply),
});
