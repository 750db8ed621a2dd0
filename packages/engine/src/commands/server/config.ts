/** CONFIG and its subcommands: the server's parameters. */
import type { Reply, Request } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import { onAllNodes } from '../../command-declaration.js';
import type { Refusal } from '../../config.js';
import type { Context } from '../../context.js';
import { globMatch } from '../../glob.js';
import { bytes, type Repeated, repeat } from '../../grammar.js';
import { parameters } from '../../parameters.js';
import { isAllowed } from '../../protections.js';
import { help } from '../help.js';

const common = { group: 'server', flags: ['admin', 'noscript', 'loading', 'stale'] } as const;

/** A name without wildcards is answered as it was written; the rest by what it matches. */
function getParameters({ kv: { config }, request }: Context, patterns: Repeated, reply: Reply): void {
  const found = new Map<string, string>();
  for (let i = 0; i < patterns.count; i++) {
    const pattern = request.byteString(patterns.first + i);
    const name = pattern.toLowerCase();
    if (/[[*?]/.test(pattern)) {
      for (const each of config.names()) {
        if (globMatch(name, each) && !config.parameter(each).isHidden) found.set(each, each);
      }
    } else if (config.has(name) && !found.has(name)) {
      found.set(name, pattern);
    }
  }
  reply.map(found.size);
  for (const [name, asked] of found) {
    reply.text(asked);
    reply.text(config.text(name));
  }
}

/** All or nothing. */
function setParameters(ctx: Context, pairs: Repeated, reply: Reply): void {
  const { config } = ctx.kv;
  const { request } = ctx;
  const values = new Map<string, string>();
  for (let i = 0; i < pairs.count; i++) {
    const asked = request.text(pairs.first + 2 * i);
    const name = asked.toLowerCase();
    if (!config.has(name)) {
      return reply.error(`ERR Unknown option or number of arguments for CONFIG SET - '${asked}'`);
    }
    if (config.parameter(name).isFixed) return reply.error(failed(asked, "can't set immutable config"));
    if (config.parameter(name).isProtected && !isAllowed(ctx, 'enable-protected-configs')) {
      return reply.error(failed(asked, "can't set protected config"));
    }
    if (values.has(name)) return reply.error(failed(asked, 'duplicate parameter'));
    values.set(name, request.text(pairs.first + 2 * i + 1));
  }
  if (!config.takesTime(values)) return replySet(config.setAll(values), reply);
  const { host, mayBlock, session } = ctx;
  const [name] = values.keys();
  if (!mayBlock) return reply.error(failed(name, "can't be changed in a transaction"));
  let refusal: Refusal | null = null;
  const changed = config.change(values).then((result) => {
    refusal = result;
  });
  host.defer(session, changed, (late) => replySet(refusal, late));
}

function replySet(refusal: Refusal | null, reply: Reply): void {
  if (refusal === null) reply.ok();
  else reply.error(failed(refusal.name, refusal.problem));
}

function failed(name: string, problem: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`;
}

function rewrite({ host, kv: { access, config } }: Context, reply: Reply): void {
  const file = host.configFile;
  if (file === null) return reply.error('ERR The server is running without a config file');
  const users = config.text('aclfile') === '' ? access.describe().split('\n').filter(Boolean) : null;
  try {
    file.rewrite(config, users);
  } catch (error) {
    return reply.error(`ERR Rewriting config file: ${(error as Error).message}`);
  }
  reply.ok();
}

const secretNames = new Set(parameters.filter(({ isSecret }) => isSecret).map(({ name }) => name));

/** The value after the name of a parameter that is a secret. */
function hidesValue(request: Request, i: number): boolean {
  if (i < 3 || i % 2 === 0) return false;
  return secretNames.has(request.text(i - 1).toLowerCase());
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
    tips: onAllNodes,
    since: '2.0.0',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    summary: 'Sets configuration parameters in-flight.',
    args: { pairs: repeat({ parameter: bytes(), value: bytes() }) },
    hides: hidesValue,
    run: (ctx, { pairs }, reply) => setParameters(ctx, pairs, reply),
  }),
  defineCommand({
    ...common,
    id: 613,
    name: 'RESETSTAT',
    tips: onAllNodes,
    since: '2.0.0',
    complexity: 'O(1)',
    summary: "Resets the server's statistics.",
    args: {},
    run({ host, kv }, _args, reply) {
      kv.resetStats();
      host.resetCounts();
      reply.ok();
    },
  }),
  defineCommand({
    ...common,
    id: 614,
    name: 'REWRITE',
    tips: onAllNodes,
    since: '2.8.0',
    complexity: 'O(1)',
    summary: 'Persists the effective configuration to file.',
    args: {},
    run: (ctx, _args, reply) => rewrite(ctx, reply),
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
