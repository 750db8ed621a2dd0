import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { FieldChanges } from './field-expiry.js';
import { fieldsArgument, notPositiveInteger, readFieldList } from './field-list.js';
import { findHash, removeField, replyValue, viewField } from './hashes.js';

export const hgetdel = defineCommand({
  id: 225,
  name: 'HGETDEL',
  group: 'hash',
  since: '8.0.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Returns the value of a field and deletes it from the hash.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'access', 'delete'), ...fieldsArgument },
  run(ctx, { key }, reply) {
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    const fields = readFieldList(ctx, key + 1, notPositiveInteger, reply);
    if (fields === null) return;
    const changes = new FieldChanges();
    reply.array(fields.count);
    for (let i = fields.first; i < fields.first + fields.count; i++) {
      if (hash === null || viewField(hash, ctx.request, i) === 0) {
        reply.null();
        continue;
      }
      replyValue(reply);
      removeField(hash, ctx.request, i);
      changes.removed++;
    }
    if (hash !== null) changes.announce(ctx, key, hash);
  },
});
