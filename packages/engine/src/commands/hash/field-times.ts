/** HTTL, HPTTL, HEXPIRETIME and HPEXPIRETIME: one rule, four units. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { fieldsArgument, notPositiveInteger, readFieldList } from './field-list.js';
import { findHash, readKey, viewField } from './hashes.js';

/** What is replied for a field that is not there, and for one that does not expire. */
export const fieldStates = { missing: -2, persistent: -1 } as const;

export const timesArguments = { ...readKey, ...fieldsArgument };

/** Replies when fields of the key at argument 1 expire, in whole units of `unitMs` after `baseMs`, rounded up. */
export function replyFieldTimes(ctx: Context, unitMs: number, baseMs: number, reply: Reply): void {
  const hash = findHash(ctx, 1);
  if (hash === undefined) return;
  const fields = readFieldList(ctx, 2, notPositiveInteger, reply);
  if (fields === null) return;
  reply.array(fields.count);
  for (let i = fields.first; i < fields.first + fields.count; i++) {
    const entry = viewField(hash, ctx.request, i);
    const expiryMs = entry === 0 ? 0 : (hash?.table.expiry(entry) ?? 0);
    if (expiryMs !== 0) reply.integer(Math.ceil((expiryMs - baseMs) / unitMs));
    else reply.integer(entry === 0 ? fieldStates.missing : fieldStates.persistent);
  }
}
