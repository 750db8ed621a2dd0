import { valueTypes } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { key, repeat } from '../../grammar.js';
import { ttlOf } from './ttl.js';

/**
 * Replies for each key null, or its type (as a number: see the storage's `valueTypes`), version, remaining
 * milliseconds (-1: does not expire) and value (null unless it is a string).
 */
export const kvMget = defineCommand({
  id: 903,
  name: 'KV.MGET',
  group: 'string',
  since: '0.1.0',
  complexity: 'O(N) where N is the number of keys.',
  summary: 'Returns the types, versions, times to live and string values of keys.',
  flags: ['readonly', 'fast'],
  args: { keys: repeat(key('RO', 'access')) },
  run(ctx, args, reply) {
    const { db } = ctx;
    const { first, count } = args.keys;
    let newest = 0;
    reply.array(count);
    for (let i = first; i < first + count; i++) {
      const ref = ctx.read(i);
      if (ref === 0) {
        reply.nullArray();
        continue;
      }
      const version = db.version(ref);
      if (version > newest) newest = version;
      reply.array(4);
      reply.integer(db.type(ref));
      reply.integer(version);
      reply.integer(ttlOf(db.expiry(ref), ctx.nowMs));
      if (db.type(ref) !== valueTypes.string) {
        reply.null();
        continue;
      }
      db.readString(ref);
      reply.bulk(db.valueBytes, db.valueStart, db.valueLength);
    }
    ctx.session.keyVersion = newest;
  },
});
