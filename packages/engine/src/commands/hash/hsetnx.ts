import { defineCommand } from '../../command.js';
import { bytes, key, shortBytes } from '../../grammar.js';
import { createHash, findHash, setField, viewField } from './hashes.js';

export const hsetnx = defineCommand({
  id: 201,
  name: 'HSETNX',
  group: 'hash',
  since: '2.0.0',
  complexity: 'O(1)',
  summary: "Sets the value of a field in a hash only when the field doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  elements: { first: 2, step: 2 },
  args: { key: key('RW', 'insert'), field: shortBytes(), value: bytes() },
  run(ctx, { key, field, value }, reply) {
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    if (viewField(hash, ctx.request, field) !== 0) return reply.integer(0);
    setField(hash ?? createHash(ctx, key), ctx.request, field, value);
    ctx.notify('h', 'hset', key);
    reply.integer(1);
  },
});
