import { copyKey } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { integer, key } from '../../grammar.js';
import { findLive } from './live-keys.js';

export const move = defineCommand({
  id: 164,
  name: 'MOVE',
  group: 'generic',
  since: '1.0.0',
  complexity:
    'O(N) worst case for collections, where N is the number of nested items. O(1) for string values.',
  summary: 'Moves a key to another database.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'access', 'delete'), index: integer() },
  run(ctx, { key, index }, reply) {
    const { db, kv, request, storage } = ctx;
    if (index < 0 || index >= kv.config.number('databases'))
      return reply.error('ERR DB index is out of range');
    const target = storage.database(index);
    if (target === db) return reply.error('ERR source and destination objects are the same');
    if (ctx.find(key) === 0 || findLive(ctx, target, key) !== 0) return reply.integer(0);
    copyKey(db, ctx.find(key), target, request.bytes, request.start(key), request.length(key));
    db.remove(ctx.find(key));
    ctx.notify('g', 'move_from', key);
    reply.integer(1);
  },
});
