import { randomBelow } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { LiveKeys, replyName } from './live-keys.js';

/** Draws that may hit a key whose time is over, before the keys are looked at one after another. */
const drawsMax = 100;
const keysPerPage = 64;
const found = new LiveKeys();

/** Almost all keys are over and were not yet removed. Begun anywhere, a walk finds the others. */
function findAnywhere({ env, session, storage }: Context): void {
  let cursor = env.random.uint32();
  for (let rounds = 0; found.refs.length === 0 && rounds < 2; ) {
    cursor = storage.scanPage(session.database, cursor, keysPerPage, found.visit);
    if (cursor === 0) rounds++;
  }
}

export const randomkey = defineCommand({
  id: 158,
  name: 'RANDOMKEY',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns a random key name from the database.',
  flags: ['readonly'],
  tips: ['request_policy:all_shards', 'response_policy:special', 'nondeterministic_output'],
  scansKeyspace: 'sample',
  args: {},
  run(ctx, _args, reply) {
    const { db, env, session, storage } = ctx;
    const { database } = session;
    const { random } = env;
    const { refs } = found;
    ctx.dependOnAll();
    found.start(ctx, null);
    for (let draw = 0; draw < drawsMax && refs.length === 0 && db.size > 0; draw++)
      storage.visitSample(database, random, found.visit);
    if (refs.length === 0 && storage.isComplete(database)) findAnywhere(ctx);
    if (refs.length === 0) reply.null();
    else replyName(db, refs[randomBelow(random, refs.length)], reply);
    found.removeExpired(ctx);
  },
});
