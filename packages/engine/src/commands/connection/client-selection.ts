/** Which clients CLIENT LIST shows and CLIENT KILL ends. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { type Repeated, syntaxError } from '../../grammar.js';
import type { Session } from '../../session.js';
import { clientLine } from './client-line.js';

type Filter = (session: Session) => boolean;

const types = ['normal', 'master', 'slave', 'replica', 'pubsub'];

/** A type that no client here has (a master) lets none through; null when there is no such type. */
function byType(text: string): Filter | null {
  const type = text.toLowerCase();
  if (!types.includes(type)) return null;
  return (session) => session.type === (type === 'replica' ? 'slave' : type);
}

export function listClients(
  { env, host, request, session: self }: Context,
  words: Repeated,
  reply: Reply,
): void {
  let sessions = [...host.sessions()];
  const { count, first } = words;
  if (count === 2 && request.is(first, 'TYPE')) {
    const filter = byType(request.text(first + 1));
    if (filter === null) return reply.error(`ERR Unknown client type '${request.quoted(first + 1)}'`);
    sessions = sessions.filter(filter);
  } else if (count >= 2 && request.is(first, 'ID')) {
    sessions = [];
    for (let i = first + 1; i < first + count; i++) {
      const id = request.integer(i);
      if (Number.isNaN(id)) return reply.error('ERR Invalid client ID');
      const session = host.sessionById(id);
      if (session !== undefined) sessions.push(session);
    }
  } else if (count > 0) {
    return reply.error(syntaxError);
  }
  const nowMs = env.clock.now();
  const lines = sessions.map((session) => clientLine(session, nowMs, session === self ? request : null));
  reply.verbatim('txt', lines.map((line) => `${line}\n`).join(''));
}

/** The filter that the word at `i` and its value ask for; a text when they make no sense. */
function filterAt({ kv, request, session: self }: Context, i: number): Filter | string {
  const value = request.text(i + 1);
  if (request.is(i, 'ID')) {
    const id = request.integer(i + 1);
    return id >= 1 ? (session) => session.id === id : 'ERR client-id should be greater than 0';
  }
  if (request.is(i, 'TYPE')) return byType(value) ?? `ERR Unknown client type '${value}'`;
  if (request.is(i, 'ADDR')) return (session) => session.address === value;
  if (request.is(i, 'LADDR')) return (session) => session.localAddress === value;
  if (request.is(i, 'USER')) {
    const user = kv.access.user(request.byteString(i + 1));
    return user === undefined ? `ERR No such user '${value}'` : (session) => session.account === user;
  }
  if (request.is(i, 'SKIPME') && request.is(i + 1, 'YES')) return (session) => session !== self;
  return request.is(i, 'SKIPME') && request.is(i + 1, 'NO') ? () => true : syntaxError;
}

/** All filters of CLIENT KILL's new form, of each kind the last one; a text when one makes no sense. */
function readFilters(ctx: Context, { count, first }: Repeated): Filter[] | string {
  const { request, session: self } = ctx;
  const filters = new Map<string, Filter>([['SKIPME', (session) => session !== self]]);
  for (let i = first; i < first + count; i += 2) {
    if (i + 1 === first + count) return syntaxError;
    const filter = filterAt(ctx, i);
    if (typeof filter === 'string') return filter;
    filters.set(request.text(i).toUpperCase(), filter);
  }
  return [...filters.values()];
}

/** The old form names one address; the new one has filters, and spares the caller unless told otherwise. */
export function killClients(ctx: Context, words: Repeated, reply: Reply): void {
  const { host, request, session: self } = ctx;
  if (words.count === 1) {
    const address = request.text(words.first);
    const doomed = [...host.sessions()].filter((session) => session.address === address);
    if (doomed.length === 0) return reply.error('ERR No such client');
    for (const session of doomed) host.kill(session, self);
    return reply.ok();
  }
  const filters = readFilters(ctx, words);
  if (typeof filters === 'string') return reply.error(filters);
  const doomed = [...host.sessions()].filter((session) => filters.every((matches) => matches(session)));
  for (const session of doomed) host.kill(session, self);
  reply.integer(doomed.length);
}
