import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';
import { findHash, viewField } from './hashes.js';

export const hexists = defineCommand({
  id: 209,
  name: 'HEXISTS',
  group: 'hash',
  since: '2.0.0',
  complexity: 'O(1)',
  summary: 'Determines whether a field exists in a hash.',
  flags: ['readonly', 'fast'],
  elements: { first: 2, step: 1 },
  args: { key: key('RO'), field: bytes() },
  run(ctx, { key, field }, reply) {
    const hash = findHash(ctx, key);
    if (hash !== undefined) reply.integer(viewField(hash, ctx.request, field) === 0 ? 0 : 1);
  },
});
