import { defineCommand } from '../../command.js';
import { findHash, readKey, replyField, view } from './hashes.js';

export const hkeys = defineCommand({
  id: 206,
  name: 'HKEYS',
  group: 'hash',
  since: '2.0.0',
  complexity: 'O(N) where N is the size of the hash.',
  summary: 'Returns all fields in a hash.',
  flags: ['readonly'],
  tips: ['nondeterministic_output_order'],
  args: readKey,
  run(ctx, { key }, reply) {
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    if (hash === null) return reply.array(0);
    const { size, table } = hash;
    reply.array(size);
    table.rewind();
    for (let entry = table.next(); entry !== 0; entry = table.next()) {
      table.read(entry, view);
      replyField(reply);
    }
  },
});
