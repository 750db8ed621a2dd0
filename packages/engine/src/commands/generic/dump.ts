import { dumpPayload } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';

export const dump = defineCommand({
  id: 875,
  name: 'DUMP',
  group: 'generic',
  since: '2.6.0',
  complexity:
    'O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).',
  summary: 'Returns a serialized representation of the value stored at a key.',
  flags: ['readonly'],
  tips: ['nondeterministic_output'],
  args: { key: key('RO', 'access') },
  run(ctx, { key }, reply) {
    const ref = ctx.read(key);
    if (ref === 0) return reply.null();
    const payload = dumpPayload(ctx.db, ref);
    reply.bulk(payload, 0, payload.length);
  },
});
