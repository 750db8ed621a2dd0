// @hot-path
import { defineCommand } from '../../command.js';
import { bytes } from '../../grammar.js';
import { findHash, readKey, replyValueOf } from './hashes.js';

export const hget = defineCommand({
  id: 203,
  name: 'HGET',
  group: 'hash',
  since: '2.0.0',
  complexity: 'O(1)',
  summary: 'Returns the value of a field in a hash.',
  flags: ['readonly', 'fast'],
  elements: { first: 2, step: 1 },
  args: { ...readKey, field: bytes() },
  run(ctx, { key, field }, reply) {
    const hash = findHash(ctx, key);
    if (hash !== undefined) replyValueOf(hash, ctx.request, field, reply);
  },
});
