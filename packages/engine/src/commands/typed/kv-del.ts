import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { isAtOtherVersion, versionOption } from './expected-version.js';

/** Replies the version of the removal, or 0 when there was no such key. */
export const kvDel = defineCommand({
  id: 902,
  name: 'KV.DEL',
  group: 'generic',
  since: '0.1.0',
  complexity: 'O(1); the memory of a large value is given back later, bit by bit.',
  summary: 'Removes a key of any type, if it is at an expected version.',
  flags: ['write', 'fast'],
  args: { key: key('RM', 'delete'), version: versionOption },
  run(ctx, args, reply) {
    const { db } = ctx;
    const ref = ctx.find(args.key);
    if (args.version.present && isAtOtherVersion(db, ref, args.version.expected, reply)) return;
    if (ref === 0) return reply.integer(0);
    db.remove(ref);
    ctx.notify('g', 'del', args.key);
    reply.integer(ctx.storage.stamp.version);
  },
});
