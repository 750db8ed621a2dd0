import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { expireField, FieldChanges, persistField } from './field-expiry.js';
import { fieldsArgument } from './field-list.js';
import { expiryArgument, FieldOptions } from './field-options.js';
import { findHash, replyValue, viewField } from './hashes.js';

export const hgetex = defineCommand({
  id: 226,
  name: 'HGETEX',
  group: 'hash',
  since: '8.0.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Get the value of one or more fields of a given hash key, and optionally set their expiration.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'access', 'update'), expiration: expiryArgument('PERSIST'), ...fieldsArgument },
  run(ctx, { key }, reply) {
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    const options = new FieldOptions(ctx, 1, 'PERSIST');
    if (!options.read(key + 1, reply)) return;
    ctx.admitEach(key, options.count);
    const changes = new FieldChanges();
    reply.array(options.count);
    for (let i = options.first; i < options.first + options.count; i++) {
      const entry = viewField(hash, ctx.request, i);
      if (hash === null || entry === 0) {
        reply.null();
        continue;
      }
      replyValue(reply);
      if (options.expiryMs >= 0) expireField(ctx, hash, entry, i, options.expiryMs, changes);
      else if (options.keeps) persistField(ctx, hash, entry, i, changes);
    }
    if (hash !== null) changes.announce(ctx, key, hash);
  },
});
