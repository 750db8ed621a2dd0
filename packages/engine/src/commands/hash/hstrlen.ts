import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';
import { findHash, view, viewField } from './hashes.js';

export const hstrlen = defineCommand({
  id: 211,
  name: 'HSTRLEN',
  group: 'hash',
  since: '3.2.0',
  complexity: 'O(1)',
  summary: 'Returns the length of the value of a field.',
  flags: ['readonly', 'fast'],
  elements: { first: 2, step: 1 },
  args: { key: key('RO'), field: bytes() },
  run(ctx, { key, field }, reply) {
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    reply.integer(viewField(hash, ctx.request, field) === 0 ? 0 : view.valueLength);
  },
});
