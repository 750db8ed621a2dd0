import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { findHash } from './hashes.js';

export const hlen = defineCommand({
  id: 208,
  name: 'HLEN',
  group: 'hash',
  since: '2.0.0',
  complexity: 'O(1)',
  summary: 'Returns the number of fields in a hash.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO') },
  run(ctx, { key }, reply) {
    const hash = findHash(ctx, key);
    if (hash !== undefined) reply.integer(hash === null ? 0 : hash.size);
  },
});
