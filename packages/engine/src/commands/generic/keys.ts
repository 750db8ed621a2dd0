import { defineCommand } from '../../command.js';
import { globMatch } from '../../glob.js';
import { pattern } from '../../grammar.js';
import { forEachLiveKey } from './live-keys.js';

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
    const wanted = ctx.request.byteString(args.pattern);
    const all = wanted === '*';
    const found: string[] = [];
    forEachLiveKey(ctx, (name) => {
      if (all || globMatch(wanted, name)) found.push(name);
    });
    reply.array(found.length);
    for (const name of found) reply.byteString(name);
  },
});
