/** CLIENT and its subcommands: this connection, and the others. */
import type { Reply } from '@holdfast/common';
import { type Command, defineCommand, wrongSubcommand } from '../../command.js';
import { onAllNodes } from '../../command-declaration.js';
import type { Context } from '../../context.js';
import {
  bytes,
  notAnInteger,
  type Repeated,
  requiredWord,
  rest,
  syntaxError,
  timeoutProblem,
} from '../../grammar.js';
import { help } from '../help.js';
import { clientHelp } from './client-help.js';
import { clientLine } from './client-line.js';
import { clientNameError } from './client-name.js';
import { killClients, listClients } from './client-selection.js';
import { trackingCommands } from './client-tracking-commands.js';

const common = { group: 'connection', complexity: 'O(1)', flags: ['noscript', 'loading', 'stale'] } as const;
const admin = { ...common, flags: ['admin', 'noscript', 'loading', 'stale'] } as const;

const readModes = { LINEARIZABLE: 'linearizable', LEASE: 'lease', STALE: 'stale' } as const;

function setName(ctx: Context, name: number, reply: Reply): void {
  const text = ctx.request.byteString(name);
  const problem = clientNameError(text);
  if (problem !== null) return reply.error(problem);
  ctx.session.name = text;
  reply.ok();
}

function setInfo({ request, session }: Context, attribute: number, value: number, reply: Reply): void {
  const text = request.byteString(value);
  const isName = request.is(attribute, 'LIB-NAME');
  if (!isName && !request.is(attribute, 'LIB-VER')) {
    return reply.error(`ERR Unrecognized option '${request.quoted(attribute)}'`);
  }
  const problem = clientNameError(text, request.text(attribute));
  if (problem !== null) return reply.error(problem);
  if (isName) session.libraryName = text;
  else session.libraryVersion = text;
  reply.ok();
}

function pauseClients(ctx: Context, words: Repeated, reply: Reply): void {
  const { env, host, request } = ctx;
  const isWrite = words.count === 2 && request.is(words.first + 1, 'WRITE');
  if (words.count > 2) return reply.error(wrongSubcommand('CLIENT', request));
  if (words.count === 2 && !isWrite && !request.is(words.first + 1, 'ALL')) {
    return reply.error('ERR CLIENT PAUSE mode must be WRITE or ALL');
  }
  const ms = request.integer(words.first);
  const problem = timeoutProblem(ms, 'an integer');
  if (problem !== null) return reply.error(problem);
  host.pause(env.clock.now() + ms, isWrite ? 'write' : 'all');
  reply.ok();
}

function setReplyMode({ request, session }: Context, word: number, reply: Reply): void {
  if (request.is(word, 'ON')) {
    const audible = session.audible(reply);
    session.replyMode = 'on';
    audible.ok();
  } else if (request.is(word, 'OFF')) {
    session.replyMode = 'off';
  } else if (request.is(word, 'SKIP')) {
    if (session.replyMode !== 'off') session.replyMode = 'skip-next';
  } else {
    reply.error(syntaxError);
  }
}

function unblockClient({ host, request }: Context, words: Repeated, reply: Reply): void {
  const { count, first } = words;
  if (count > 2) return reply.error(wrongSubcommand('CLIENT', request));
  const withError = count === 2 && request.is(first + 1, 'ERROR');
  if (count === 2 && !withError && !request.is(first + 1, 'TIMEOUT')) {
    return reply.error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  }
  const id = request.integer(first);
  if (Number.isNaN(id)) return reply.error(notAnInteger);
  const session = host.sessionById(id);
  reply.integer(session !== undefined && host.unblock(session, withError) ? 1 : 0);
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 11,
    name: 'ID',
    since: '5.0.0',
    summary: 'Returns the unique client ID of the connection.',
    args: {},
    run: ({ session }, _args, reply) => reply.integer(session.id),
  }),
  defineCommand({
    ...common,
    id: 12,
    name: 'GETNAME',
    since: '2.6.9',
    summary: 'Returns the name of the connection.',
    args: {},
    run({ session }, _args, reply) {
      if (session.name === '') reply.null();
      else reply.byteString(session.name);
    },
  }),
  defineCommand({
    ...common,
    id: 13,
    name: 'SETNAME',
    tips: onAllNodes,
    since: '2.6.9',
    summary: 'Sets the connection name.',
    args: { name: bytes() },
    run: (ctx, { name }, reply) => setName(ctx, name, reply),
  }),
  defineCommand({
    ...common,
    id: 14,
    name: 'SETINFO',
    tips: onAllNodes,
    since: '7.2.0',
    summary: 'Sets information specific to the client or connection.',
    args: { attribute: bytes(), value: bytes() },
    run: (ctx, { attribute, value }, reply) => setInfo(ctx, attribute, value, reply),
  }),
  defineCommand({
    ...admin,
    id: 15,
    name: 'LIST',
    since: '2.4.0',
    complexity: 'O(N) where N is the number of client connections',
    summary: 'Lists open connections.',
    tips: ['nondeterministic_output'],
    args: { words: rest() },
    run: (ctx, { words }, reply) => listClients(ctx, words, reply),
  }),
  defineCommand({
    ...common,
    id: 16,
    name: 'INFO',
    since: '6.2.0',
    summary: 'Returns information about the connection.',
    tips: ['nondeterministic_output'],
    args: {},
    run({ env, request, session }, _args, reply) {
      reply.verbatim('txt', `${clientLine(session, env.clock.now(), request)}\n`);
    },
  }),
  defineCommand({
    ...admin,
    id: 17,
    name: 'KILL',
    since: '2.4.0',
    complexity: 'O(N) where N is the number of client connections',
    summary: 'Terminates open connections.',
    args: { words: rest(1) },
    run: (ctx, { words }, reply) => killClients(ctx, words, reply),
  }),
  defineCommand({
    ...admin,
    id: 18,
    name: 'PAUSE',
    since: '3.0.0',
    summary: 'Suspends commands processing.',
    args: { words: rest(1) },
    run: (ctx, { words }, reply) => pauseClients(ctx, words, reply),
  }),
  defineCommand({
    ...admin,
    id: 19,
    name: 'UNPAUSE',
    since: '6.2.0',
    complexity: 'O(N) Where N is the number of paused clients',
    summary: 'Resumes processing commands from paused clients.',
    args: {},
    run({ host }, _args, reply) {
      host.unpause();
      reply.ok();
    },
  }),
  defineCommand({
    ...common,
    id: 20,
    name: 'REPLY',
    since: '3.2.0',
    summary: 'Instructs the server whether to reply to commands.',
    args: { mode: bytes() },
    run: (ctx, { mode }, reply) => setReplyMode(ctx, mode, reply),
  }),
  defineCommand({
    ...admin,
    id: 21,
    name: 'NO-EVICT',
    since: '7.0.0',
    summary: 'Sets the client eviction mode of the connection.',
    args: { mode: requiredWord('ON', 'OFF') },
    run({ session }, { mode }, reply) {
      session.noEvict = mode === 'ON';
      reply.ok();
    },
  }),
  defineCommand({
    ...common,
    id: 22,
    name: 'NO-TOUCH',
    since: '7.2.0',
    summary: 'Controls whether commands sent by the client affect the access time of keys.',
    args: { mode: requiredWord('ON', 'OFF') },
    run({ kv, session }, { mode }, reply) {
      session.noTouch = mode === 'ON';
      if (session.noTouch) kv.usage.ask();
      reply.ok();
    },
  }),
  defineCommand({
    ...common,
    id: 906,
    name: 'READMODE',
    since: '0.1.0',
    summary: 'Chooses what reads of the connection promise where there are several replicas.',
    args: { mode: requiredWord('LINEARIZABLE', 'LEASE', 'STALE') },
    run({ session }, { mode }, reply) {
      session.readMode = readModes[mode];
      reply.ok();
    },
  }),
  defineCommand({
    ...admin,
    id: 23,
    name: 'UNBLOCK',
    since: '5.0.0',
    complexity: 'O(log N) where N is the number of client connections',
    summary: 'Unblocks a client blocked by a blocking command from a different connection.',
    args: { words: rest(1) },
    run: (ctx, { words }, reply) => unblockClient(ctx, words, reply),
  }),
  ...trackingCommands,
  help(25, 'CLIENT', 'connection', '5.0.0', clientHelp),
];

export const client = defineCommand({
  id: 10,
  name: 'CLIENT',
  group: 'connection',
  since: '2.4.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for client connection commands.',
  flags: [],
  args: {},
  subcommands,
});
