import { keyBytesMax, type Request } from '@holdfast/common';
import type { HashValue } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { counted, key, oneOf, option, unparsed } from '../../grammar.js';
import { expireField, FieldChanges } from './field-expiry.js';
import { expiryArgument, FieldOptions, fieldAndValue } from './field-options.js';
import { createHash, findHash, removeField, setField, viewField } from './hashes.js';

export const hsetex = defineCommand({
  id: 227,
  name: 'HSETEX',
  group: 'hash',
  since: '8.0.0',
  complexity: 'O(N) where N is the number of fields being set.',
  summary: 'Set the value of one or more fields of a given hash key, and optionally set their expiration.',
  flags: ['write', 'denyoom', 'fast'],
  args: {
    key: key('RW', 'update'),
    condition: unparsed(oneOf('FNX', 'FXX')),
    expiration: expiryArgument('KEEPTTL'),
    fields: unparsed(
      option('FIELDS', { data: counted(fieldAndValue, { name: 'numfields' }) }, { required: true }),
    ),
  },
  run(ctx, { key }, reply) {
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    const options = new FieldOptions(ctx, 2, 'KEEPTTL');
    if (!options.read(key + 1, reply)) return;
    for (let i = 0; i < options.count; i++) {
      const length = ctx.request.length(options.first + 2 * i);
      if (length > keyBytesMax) return reply.error(`ERR a field has ${length} bytes, at most ${keyBytesMax}`);
    }
    // A field and when it expires are two records.
    ctx.admitEach(key, 2 * options.count);
    if (!isMet(hash, ctx.request, options)) return reply.integer(0);
    if (options.expiryMs >= 0 && options.expiryMs <= ctx.nowMs) {
      if (hash !== null) removeFields(ctx, key, hash, options);
    } else setFields(ctx, key, hash ?? createHash(ctx, key), options);
    reply.integer(1);
  },
});

/** FNX: none of the fields is there; FXX: all of them are. */
function isMet(hash: HashValue | null, request: Request, { condition, count, first }: FieldOptions): boolean {
  if (condition === null) return true;
  for (let i = 0; i < count; i++) {
    const isThere = viewField(hash, request, first + 2 * i) !== 0;
    if (isThere !== (condition === 'FXX')) return false;
  }
  return true;
}

/** The fields would have expired already: they are gone at once. */
function removeFields(ctx: Context, key: number, hash: HashValue, { count, first }: FieldOptions): void {
  const changes = new FieldChanges();
  for (let i = 0; i < count; i++) if (removeField(hash, ctx.request, first + 2 * i)) changes.removed++;
  changes.announce(ctx, key, hash);
}

function setFields(ctx: Context, key: number, hash: HashValue, options: FieldOptions): void {
  const { request } = ctx;
  const { count, expiryMs, first, keeps } = options;
  const changes = new FieldChanges();
  hash.expect(count);
  for (let i = 0; i < count; i++) {
    const field = first + 2 * i;
    const entry = keeps ? viewField(hash, request, field) : 0;
    if (entry !== 0) {
      const { bytes } = request;
      hash.update(
        entry,
        bytes,
        request.start(field),
        request.length(field),
        bytes,
        request.start(field + 1),
        request.length(field + 1),
      );
    } else setField(hash, request, field, field + 1);
    if (expiryMs >= 0) expireField(ctx, hash, viewField(hash, request, field), field, expiryMs, changes);
  }
  ctx.notify('h', 'hset', key);
  changes.announce(ctx, key, hash);
}
