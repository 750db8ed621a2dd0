/** CONFIG and its subcommands: the server's parameters. */
import type { Reply } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { globMatch } from '../../glob.js';
import { bytes, type Repeated, repeat } from '../../grammar.js';
import { help } from '../help.js';

const common = { group: 'server', flags: ['admin', 'noscript', 'loading', 'stale'] } as const;

function getParameters({ kv: { config }, request }: Context, patterns: Repeated, reply: Reply): void {
  const names = new Set<string>();
  for (let i = 0; i < patterns.count; i++) {
    const pattern = request.byteString(patterns.first + i);
    for (const name of config.names()) if (globMatch(pattern, name, true)) names.add(name);
  }
  reply.map(names.size);
  for (const name of names) {
    reply.text(name);
    reply.text(config.text(name));
  }
}

/** All or nothing: every pair is checked before the first is set. */
function setParameters({ kv: { config }, request }: Context, pairs: Repeated, reply: Reply): void {
  const wanted = new Map<string, string>();
  for (let i = 0; i < pairs.count; i++) {
    const name = request.text(pairs.first + 2 * i).toLowerCase();
    const value = request.text(pairs.first + 2 * i + 1);
    if (!config.has(name)) {
      return reply.error(`ERR Unknown option or number of arguments for CONFIG SET - '${name}'`);
    }
    const prefix = `ERR CONFIG SET failed (possibly related to argument '${name}') - `;
    if (wanted.has(name)) return reply.error(`${prefix}duplicate parameter`);
    if (config.parameter(name).isFixed) return reply.error(`${prefix}can't set immutable config`);
    const problem = config.check(name, value);
    if (problem !== null) return reply.error(prefix + problem);
    wanted.set(name, value);
  }
  for (const [name, value] of wanted) config.set(name, value);
  reply.ok();
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 611,
    name: 'GET',
    since: '2.0.0',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    summary: 'Returns the effective values of configuration parameters.',
    args: { patterns: repeat(bytes()) },
    run: (ctx, { patterns }, reply) => getParameters(ctx, patterns, reply),
  }),
  defineCommand({
    ...common,
    id: 612,
    name: 'SET',
    since: '2.0.0',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    summary: 'Sets configuration parameters in-flight.',
    args: { pairs: repeat({ parameter: bytes(), value: bytes() }, { incompleteError: oddPairs() }) },
    run: (ctx, { pairs }, reply) => setParameters(ctx, pairs, reply),
  }),
  defineCommand({
    ...common,
    id: 613,
    name: 'RESETSTAT',
    since: '2.0.0',
    complexity: 'O(1)',
    summary: "Resets the server's statistics.",
    args: {},
    run({ kv }, _args, reply) {
      kv.resetStats();
      reply.ok();
    },
  }),
  defineCommand({
    ...common,
    id: 614,
    name: 'REWRITE',
    since: '2.8.0',
    complexity: 'O(1)',
    summary: 'Persists the effective configuration to file.',
    args: {},
    run: (_ctx, _args, reply) => reply.error('ERR The server is running without a config file'),
  }),
  help(615, 'CONFIG', 'server', '5.0.0', [
    'GET <pattern>',
    '    Return parameters matching the glob-like <pattern> and their values.',
    'SET <directive> <value>',
    '    Set the configuration <directive> to <value>.',
    'RESETSTAT',
    '    Reset statistics reported by the INFO command.',
    'REWRITE',
    '    Rewrite the configuration file.',
  ]),
];

function oddPairs(): string {
  return "ERR wrong number of arguments for 'config|set' command";
}

export const config = defineCommand({
  id: 610,
  name: 'CONFIG',
  group: 'server',
  since: '2.0.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for server configuration commands.',
  flags: [],
  args: {},
  subcommands,
});
