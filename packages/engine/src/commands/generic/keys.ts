import { defineCommand } from '../../command.js';
import { GlobPattern } from '../../glob-pattern.js';
import { pattern } from '../../grammar.js';
import { LiveKeys } from './live-keys.js';

const keysPerPage = 4096;
const found = new LiveKeys();

export const keys = defineCommand({
  id: 156,
  name: 'KEYS',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(N) with N being the number of keys in the database',
  summary: 'Returns all key names that match a pattern.',
  flags: ['readonly'],
  categories: ['keyspace', 'dangerous'],
  tips: ['request_policy:all_shards', 'nondeterministic_output_order'],
  scansKeyspace: 'all',
  args: { pattern: pattern() },
  run(ctx, args, reply) {
    const { request, session, storage } = ctx;
    const wanted = new GlobPattern(request.view(args.pattern));
    found.start(ctx, wanted.isAll ? null : wanted);
    if (wanted.isLiteral) {
      const ref = ctx.find(args.pattern);
      if (ref !== 0) found.visit(ref);
    } else {
      ctx.dependOnAll();
      let cursor = 0;
      do cursor = storage.scanPage(session.database, cursor, keysPerPage, found.visit);
      while (cursor !== 0);
    }
    found.reply(reply);
  },
});
