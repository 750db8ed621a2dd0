/** HEXPIRE, HPEXPIRE, HEXPIREAT and HPEXPIREAT: one rule, four units. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { key, oneOf, unparsed } from '../../grammar.js';
import { expireField, FieldChanges, readFieldExpiry } from './field-expiry.js';
import { fieldsArgument, notPositive, readFieldList } from './field-list.js';
import { findHash, viewField } from './hashes.js';

const conditions = ['NX', 'XX', 'GT', 'LT'] as const;
type Condition = (typeof conditions)[number];

/** What is replied for a field. */
const results = { missing: -2, refused: 0, set: 1, removed: 2 } as const;

/** The arguments before and after the time. */
export const expiringKey = { key: key('RW', 'update') };
export const expiringFields = { condition: unparsed(oneOf(...conditions)), ...fieldsArgument };

/** Sets the expiry of fields of the key at argument 1 to argument 2, in units of `unitMs` after `baseMs`. */
export function expireFields(ctx: Context, unitMs: number, baseMs: number, reply: Reply): void {
  const { request } = ctx;
  const hash = findHash(ctx, 1);
  if (hash === undefined) return;
  const expiryMs = readFieldExpiry(ctx, 2, unitMs, baseMs, reply);
  if (expiryMs < 0) return;
  const condition = conditions.find((word) => request.is(3, word)) ?? null;
  const fields = readFieldList(ctx, condition === null ? 3 : 4, notPositive, reply);
  if (fields === null) return;
  ctx.admitEach(1, fields.count);
  const changes = new FieldChanges();
  reply.array(fields.count);
  for (let i = fields.first; i < fields.first + fields.count; i++) {
    const entry = viewField(hash, request, i);
    if (hash === null || entry === 0) reply.integer(results.missing);
    else if (!isMet(condition, hash.table.expiry(entry), expiryMs)) reply.integer(results.refused);
    else reply.integer(expireField(ctx, hash, entry, i, expiryMs, changes) ? results.set : results.removed);
  }
  if (hash !== null) changes.announce(ctx, 1, hash);
}

/** A field that does not expire counts as one that expires after all others. */
function isMet(condition: Condition | null, presentMs: number, expiryMs: number): boolean {
  switch (condition) {
    case 'NX':
      return presentMs === 0;
    case 'XX':
      return presentMs !== 0;
    case 'GT':
      return presentMs !== 0 && expiryMs > presentMs;
    case 'LT':
      return presentMs === 0 || expiryMs < presentMs;
    default:
      return true;
  }
}
