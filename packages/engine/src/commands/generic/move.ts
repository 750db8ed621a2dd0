import { admitCopy, copyKey } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { databaseAt, databaseIndex, sameObject } from './other-database.js';

export const move = defineCommand({
  id: 164,
  name: 'MOVE',
  group: 'generic',
  since: '1.0.0',
  complexity:
    'O(N) worst case for collections, where N is the number of nested items. O(1) for string values.',
  summary: 'Moves a key to another database.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'access', 'update'), index: databaseIndex() },
  otherDatabase: (request) => request.integer(2),
  run(ctx, { key, index }, reply) {
    const { db, kv, request } = ctx;
    const target = databaseAt(ctx, index, reply);
    if (target === null) return;
    if (target === db) return reply.error(sameObject);
    const { bytes } = request;
    const [start, length] = [request.start(key), request.length(key)];
    if (ctx.find(key) === 0) return reply.integer(0);
    if (ctx.findKey(bytes, start, length, target) !== 0) return reply.integer(0);
    admitCopy(db, ctx.find(key));
    copyKey(db, ctx.find(key), target, bytes, start, length);
    db.remove(ctx.find(key));
    ctx.notify('g', 'move_from', key);
    kv.notify('g', 'move_to', target, bytes, start, length);
    reply.integer(1);
  },
});
