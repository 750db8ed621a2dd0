import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';

export const get = defineCommand({
  id: 100,
  name: 'GET',
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns the string value of a key.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO', 'access') },
  run(ctx, args, reply) {
    const ref = ctx.string(args.key);
    if (ref < 0) return;
    if (ref === 0) return reply.null();
    const { db } = ctx;
    db.readString(ref);
    reply.bulk(db.valueBytes, db.valueStart, db.valueLength);
  },
});
