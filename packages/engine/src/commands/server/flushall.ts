import { databasesMax } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import { oneOf, syntaxError } from '../../grammar.js';

export const flushall = defineCommand({
  id: 602,
  name: 'FLUSHALL',
  group: 'server',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of keys; O(1) for the caller',
  summary: 'Removes all keys from all databases.',
  flags: ['write'],
  categories: ['keyspace', 'dangerous'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  args: { mode: oneOf('ASYNC', 'SYNC') },
  /**
   * Memory goes as a whole, so SYNC and ASYNC are the same: neither waits. What is empty already may be so by a
   * write that is not committed.
   */
  run(ctx, _args, reply) {
    // One word, not the same one twice.
    if (ctx.request.count > 2) return reply.error(syntaxError);
    const { storage } = ctx;
    ctx.dependOnAll();
    let removed = 0;
    for (let index = 0; index < databasesMax; index++) {
      const count = storage.keyCount(index);
      if (count === 0) continue;
      removed += count;
      storage.database(index).flush();
    }
    ctx.countChanges(removed);
    ctx.propagation?.always();
    ctx.host.forgetReads();
    reply.ok();
  },
});
