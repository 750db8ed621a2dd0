import { compareBytes, type Reply } from '@holdfast/common';
import { admitCopy, copyKey, type Database } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { key, option, syntaxError, token, unparsed } from '../../grammar.js';
import { databaseIndex, readDatabase, sameObject } from './other-database.js';

export const copy = defineCommand({
  id: 163,
  name: 'COPY',
  group: 'generic',
  since: '6.2.0',
  complexity:
    'O(N) worst case for collections, where N is the number of nested items. O(1) for string values.',
  summary: 'Copies the value of a key to a new key.',
  flags: ['write', 'denyoom'],
  args: {
    source: key('RO', 'access'),
    destination: key('OW', 'update'),
    database: unparsed(option('DB', { index: databaseIndex() })),
    replace: unparsed(token('REPLACE')),
  },
  otherDatabase: (request) => {
    let database = Number.NaN;
    for (let i = 3; i + 1 < request.count; i++) if (request.is(i, 'DB')) database = request.integer(++i);
    return database;
  },
  run(ctx, { source, destination }, reply) {
    const { db, kv, request } = ctx;
    const options = readOptions(ctx, reply);
    if (options === null) return;
    const { target, replace } = options;
    const { bytes } = request;
    const [from, fromLength] = [request.start(source), request.length(source)];
    const [to, toLength] = [request.start(destination), request.length(destination)];
    const isSame = target === db && compareBytes(bytes, from, fromLength, bytes, to, toLength) === 0;
    if (isSame) return reply.error(sameObject);
    const original = ctx.read(source);
    if (original === 0) return reply.integer(0);
    admitCopy(db, original);
    const present = ctx.findKey(bytes, to, toLength, target);
    if (present !== 0) {
      if (!replace) return reply.integer(0);
      target.remove(present);
    }
    copyKey(db, ctx.find(source), target, bytes, to, toLength);
    kv.notify('g', 'copy_to', target, bytes, to, toLength);
    reply.integer(1);
  },
});

/** The options, one after another: what is wrong with the first wrong one is replied, also where a database is not there. */
function readOptions(ctx: Context, reply: Reply): { target: Database; replace: boolean } | null {
  const { request } = ctx;
  let target: Database | null = ctx.db;
  let replace = false;
  for (let i = 3; i < request.count; i++) {
    if (request.is(i, 'REPLACE')) {
      replace = true;
    } else if (request.is(i, 'DB') && i + 1 < request.count) {
      target = readDatabase(ctx, ++i, reply);
      if (target === null) return null;
    } else {
      reply.error(syntaxError);
      return null;
    }
  }
  return { target, replace };
}
