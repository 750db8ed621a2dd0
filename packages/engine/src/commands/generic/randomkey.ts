import { defineCommand } from '../../command.js';
import { LiveKeys, replyName } from './live-keys.js';

/** Draws that may hit a key whose time is over, before the keys are looked at one after another. */
const drawsMax = 100;
const keysPerPage = 64;
const found = new LiveKeys();

export const randomkey = defineCommand({
  id: 158,
  name: 'RANDOMKEY',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns a random key name from the database.',
  flags: ['readonly'],
  tips: ['request_policy:all_shards', 'nondeterministic_output'],
  scansKeyspace: 'all',
  args: {},
  run(ctx, _args, reply) {
    const { db, env, session, storage } = ctx;
    ctx.dependOnAll();
    found.start(ctx, null);
    if (db.size > 0) {
      const random = (): number => env.random.uint32();
      for (let draw = 0; draw < drawsMax && found.refs.length === 0; draw++)
        found.visit(db.dict.random(random));
      // Almost all keys are over and were not yet removed. Begun anywhere, a walk finds the others.
      let cursor = env.random.uint32();
      for (let rounds = 0; found.refs.length === 0 && rounds < 2; ) {
        cursor = storage.scanPage(session.database, cursor, keysPerPage, found.visit);
        if (cursor === 0) rounds++;
      }
    }
    if (found.refs.length === 0) reply.null();
    else replyName(db, found.refs[0], reply);
    found.removeExpired(ctx);
  },
});
