import { defineCommand } from '../../command.js';
import { oneOf, syntaxError } from '../../grammar.js';

export const flushdb = defineCommand({
  id: 601,
  name: 'FLUSHDB',
  group: 'server',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of keys; O(1) for the caller',
  summary: 'Removes all keys from the current database.',
  flags: ['write'],
  categories: ['keyspace', 'dangerous'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  args: { mode: oneOf('ASYNC', 'SYNC') },
  /** See FLUSHALL. */
  run(ctx, _args, reply) {
    if (ctx.request.count > 2) return reply.error(syntaxError);
    const { db, session, storage } = ctx;
    ctx.dependOnAll();
    const count = storage.keyCount(session.database);
    if (count > 0) db.flush();
    ctx.countChanges(count);
    ctx.propagation?.always();
    ctx.host.forgetReads();
    reply.ok();
  },
});
