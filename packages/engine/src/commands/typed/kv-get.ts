import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { ttlOf } from './ttl.js';

/** Replies version, remaining milliseconds (-1: does not expire) and value; null for a missing key. */
export const kvGet = defineCommand({
  id: 900,
  name: 'KV.GET',
  group: 'string',
  since: '0.1.0',
  complexity: 'O(1)',
  summary: 'Returns the version, the time to live and the string value of a key.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO', 'access') },
  run(ctx, args, reply) {
    const ref = ctx.string(args.key);
    if (ref < 0) return;
    if (ref === 0) return reply.nullArray();
    const { db } = ctx;
    reply.array(3);
    reply.integer(db.version(ref));
    reply.integer(ttlOf(db.expiry(ref), ctx.nowMs));
    db.readString(ref);
    reply.bulk(db.valueBytes, db.valueStart, db.valueLength);
  },
});
