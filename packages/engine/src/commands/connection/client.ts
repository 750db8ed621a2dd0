/** CLIENT and its subcommands: this connection, and the others. */
import type { Reply } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import {
  bytes,
  notAnInteger,
  optional,
  type Repeated,
  requiredWord,
  rest,
  syntaxError,
} from '../../grammar.js';
import type { Session } from '../../session.js';
import { help } from '../help.js';
import { clientLine } from './client-line.js';
import { badClientName, isClientName } from './client-name.js';

const common = { group: 'connection', complexity: 'O(1)', flags: ['noscript', 'loading', 'stale'] } as const;
const admin = { ...common, flags: ['admin', 'noscript', 'loading', 'stale'] } as const;

const types = ['normal', 'master', 'slave', 'replica', 'pubsub'];

function setName(ctx: Context, name: number, reply: Reply): void {
  const text = ctx.request.byteString(name);
  if (!isClientName(text)) return reply.error(badClientName);
  ctx.session.name = text;
  reply.ok();
}

function setInfo({ request, session }: Context, attribute: number, value: number, reply: Reply): void {
  const text = request.byteString(value);
  const isName = request.is(attribute, 'LIB-NAME');
  if (!isName && !request.is(attribute, 'LIB-VER')) {
    return reply.error(`ERR Unrecognized option '${request.text(attribute)}'`);
  }
  if (!isClientName(text)) {
    const what = isName ? 'lib-name' : 'lib-ver';
    return reply.error(`ERR ${what} cannot contain spaces, newlines or special characters.`);
  }
  if (isName) session.libraryName = text;
  else session.libraryVersion = text;
  reply.ok();
}

function listClients({ env, host, request }: Context, words: Repeated, reply: Reply): void {
  let sessions = [...host.sessions()];
  const end = words.first + words.count;
  if (words.count === 2 && request.is(words.first, 'TYPE')) {
    const type = request.text(words.first + 1).toLowerCase();
    if (!types.includes(type))
      return reply.error(`ERR Unknown client type '${request.text(words.first + 1)}'`);
    sessions = sessions.filter((session) => session.type === type);
  } else if (words.count >= 2 && request.is(words.first, 'ID')) {
    const ids = new Set<number>();
    for (let i = words.first + 1; i < end; i++) {
      const id = request.integer(i);
      if (!(id >= 1)) return reply.error('ERR Invalid client ID');
      ids.add(id);
    }
    sessions = sessions.filter((session) => ids.has(session.id));
  } else if (words.count > 0) {
    return reply.error(syntaxError);
  }
  const nowMs = env.clock.now();
  reply.verbatim('txt', sessions.map((session) => `${clientLine(session, nowMs)}\n`).join(''));
}

type Filter = (session: Session) => boolean;

/** Reads the filters of CLIENT KILL's new form; an error text when one makes no sense. */
function readFilters({ request, session: self }: Context, words: Repeated): Filter[] | string {
  const filters: Filter[] = [];
  let skipsSelf = true;
  for (let i = words.first; i < words.first + words.count; i += 2) {
    const value = request.text(i + 1);
    if (request.is(i, 'ID')) {
      const id = request.integer(i + 1);
      if (!(id >= 1)) return 'ERR client-id should be greater than 0';
      filters.push((session) => session.id === id);
    } else if (request.is(i, 'ADDR')) {
      filters.push((session) => session.address === value);
    } else if (request.is(i, 'LADDR')) {
      filters.push((session) => session.localAddress === value);
    } else if (request.is(i, 'TYPE')) {
      if (!types.includes(value.toLowerCase())) return `ERR Unknown client type '${value}'`;
      filters.push((session) => session.type === value.toLowerCase());
    } else if (request.is(i, 'USER')) {
      if (value !== 'default') return `ERR No such user '${value}'`;
      filters.push((session) => session.user === value);
    } else if (request.is(i, 'SKIPME')) {
      if (value.toLowerCase() !== 'yes' && value.toLowerCase() !== 'no') return syntaxError;
      skipsSelf = value.toLowerCase() === 'yes';
    } else {
      return syntaxError;
    }
  }
  if (skipsSelf) filters.push((session) => session !== self);
  return filters;
}

function killClients(ctx: Context, words: Repeated, reply: Reply): void {
  const { host, request, session: self } = ctx;
  if (words.count === 1) {
    const address = request.text(words.first);
    for (const session of host.sessions()) {
      if (session.address !== address) continue;
      host.kill(session, self);
      return reply.ok();
    }
    return reply.error('ERR No such client');
  }
  if (words.count % 2 !== 0) return reply.error(syntaxError);
  const filters = readFilters(ctx, words);
  if (typeof filters === 'string') return reply.error(filters);
  const doomed = [...host.sessions()].filter((session) => filters.every((matches) => matches(session)));
  reply.integer(doomed.length);
  for (const session of doomed) host.kill(session, self);
}

function pauseClients(ctx: Context, words: Repeated, reply: Reply): void {
  const { env, host, request } = ctx;
  if (words.count > 2) return reply.error("ERR wrong number of arguments for 'client|pause' command");
  const ms = request.integer(words.first);
  if (Number.isNaN(ms)) return reply.error('ERR timeout is not an integer or out of range');
  if (ms < 0) return reply.error('ERR timeout is negative');
  let mode: 'all' | 'write' = 'all';
  if (words.count === 2) {
    if (request.is(words.first + 1, 'WRITE')) mode = 'write';
    else if (!request.is(words.first + 1, 'ALL'))
      return reply.error('ERR CLIENT PAUSE mode must be WRITE or ALL');
  }
  host.pause(env.clock.now() + ms, mode);
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

function unblockClient({ host, request }: Context, id: number, how: number | null, reply: Reply): void {
  const number = request.integer(id);
  if (Number.isNaN(number)) return reply.error(notAnInteger);
  const withError = how !== null && request.is(how, 'ERROR');
  if (how !== null && !withError && !request.is(how, 'TIMEOUT')) {
    return reply.error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  }
  const session = host.sessionById(number);
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
    since: '2.6.9',
    summary: 'Sets the connection name.',
    args: { name: bytes() },
    run: (ctx, { name }, reply) => setName(ctx, name, reply),
  }),
  defineCommand({
    ...common,
    id: 14,
    name: 'SETINFO',
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
    run({ env, session }, _args, reply) {
      reply.verbatim('txt', `${clientLine(session, env.clock.now())}\n`);
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
    run({ session }, { mode }, reply) {
      session.noTouch = mode === 'ON';
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
    args: { id: bytes(), how: optional(bytes()) },
    run: (ctx, { id, how }, reply) => unblockClient(ctx, id, how, reply),
  }),
  defineCommand({
    ...common,
    id: 24,
    name: 'GETREDIR',
    since: '6.0.0',
    summary: 'Returns the client ID to which the tracking notifications are redirected.',
    args: {},
    run: (_ctx, _args, reply) => reply.integer(-1),
  }),
  help(25, 'CLIENT', 'connection', '5.0.0', [
    'GETNAME',
    '    Return the name of the current connection.',
    'ID',
    '    Return the ID of the current connection.',
    'INFO',
    '    Return information about the current client connection.',
    'KILL <ip:port>|<option> <value> [<option> <value> ...]',
    '    Kill connections.',
    'LIST [options ...]',
    '    Return information about client connections.',
    'PAUSE <timeout> [WRITE|ALL]',
    '    Suspend all, or just write, clients for <timeout> milliseconds.',
    'REPLY (ON|OFF|SKIP)',
    '    Control the replies sent to the current connection.',
    'SETNAME <name>',
    '    Assign the name <name> to the current connection.',
    'SETINFO <option> <value>',
    '    Set client meta attr.',
    'UNBLOCK <clientid> [TIMEOUT|ERROR]',
    '    Unblock the specified blocked client.',
    'UNPAUSE',
    '    Stop the current client pause, resuming traffic.',
    'NO-EVICT (ON|OFF)',
    '    Protect current client connection from eviction.',
    'NO-TOUCH (ON|OFF)',
    '    Will not touch LRU/LFU stats when this mode is on.',
  ]),
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
