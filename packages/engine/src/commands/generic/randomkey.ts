import { defineCommand } from '../../command.js';
import { forEachLiveKey, liveName } from './live-keys.js';

const attemptsMax = 100;

export const randomkey = defineCommand({
  id: 158,
  name: 'RANDOMKEY',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns a random key name from the database.',
  flags: ['readonly'],
  tips: ['request_policy:all_shards', 'response_policy:special', 'nondeterministic_output'],
  scansKeyspace: 'all',
  args: {},
  run(ctx, _args, reply) {
    const { db, env } = ctx;
    const random = (): number => env.random.uint32();
    for (let attempt = 0; attempt < attemptsMax && db.size > 0; attempt++) {
      const name = liveName(ctx, db.dict.random(random));
      if (name !== null) return reply.byteString(name);
    }
    // Almost all keys have expired and were not yet removed: look at them one by one.
    let any: string | null = null;
    forEachLiveKey(ctx, (name) => {
      any ??= name;
    });
    if (any === null) reply.null();
    else reply.byteString(any);
  },
});
