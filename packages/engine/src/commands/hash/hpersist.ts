import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { FieldChanges, persistField } from './field-expiry.js';
import { fieldsArgument, notPositiveInteger, readFieldList } from './field-list.js';
import { fieldStates } from './field-times.js';
import { findHash, viewField } from './hashes.js';

export const hpersist = defineCommand({
  id: 224,
  name: 'HPERSIST',
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Removes the expiration time for each specified field',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'update'), ...fieldsArgument },
  run(ctx, { key }, reply) {
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    const fields = readFieldList(ctx, key + 1, notPositiveInteger, reply);
    if (fields === null) return;
    ctx.admitEach(key, fields.count);
    const changes = new FieldChanges();
    reply.array(fields.count);
    for (let i = fields.first; i < fields.first + fields.count; i++) {
      const entry = viewField(hash, ctx.request, i);
      if (hash === null || entry === 0) reply.integer(fieldStates.missing);
      else reply.integer(persistField(ctx, hash, entry, i, changes) ? 1 : fieldStates.persistent);
    }
    if (hash !== null) changes.announce(ctx, key, hash);
  },
});
