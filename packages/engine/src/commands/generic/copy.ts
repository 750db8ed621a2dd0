import { copyKey } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { integer, key, option, token } from '../../grammar.js';
import { findLive } from './live-keys.js';

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
    database: option('DB', { index: integer() }),
    replace: token('REPLACE'),
  },
  run(ctx, { source, destination, database, replace }, reply) {
    const { db, kv, request, session, storage } = ctx;
    const index = database.present ? database.index : session.database;
    if (index < 0 || index >= kv.config.number('databases'))
      return reply.error('ERR DB index is out of range');
    const target = storage.database(index);
    const isSame = target === db && Buffer.compare(request.view(source), request.view(destination)) === 0;
    if (isSame) return reply.error('ERR source and destination objects are the same');
    if (ctx.find(source) === 0) return reply.integer(0);
    const present = findLive(ctx, target, destination);
    if (present !== 0) {
      if (!replace) return reply.integer(0);
      target.remove(present);
    }
    const { bytes } = request;
    copyKey(db, ctx.find(source), target, bytes, request.start(destination), request.length(destination));
    ctx.notify('g', 'copy_to', destination);
    reply.integer(1);
  },
});
