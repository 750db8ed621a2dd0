/** EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT: one rule, four units. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { expiryMsMax } from '../../expiry-options.js';
import { type Repeated, rest } from '../../grammar.js';

/** NX: only without an expiry; XX: only with one; GT, LT: only to a later or an earlier one. */
export const expiryConditions = { conditions: rest() };

/** Sets the expiry of a key to `amount` units after `baseMs`. A time in the past removes the key. */
export function expireKey(
  ctx: Context,
  key: number,
  amount: number,
  unitMs: number,
  baseMs: number,
  conditions: Repeated,
  reply: Reply,
): void {
  const { request } = ctx;
  let nx = false;
  let xx = false;
  let gt = false;
  let lt = false;
  for (let i = conditions.first; i < conditions.first + conditions.count; i++) {
    if (request.is(i, 'NX')) nx = true;
    else if (request.is(i, 'XX')) xx = true;
    else if (request.is(i, 'GT')) gt = true;
    else if (request.is(i, 'LT')) lt = true;
    else return reply.error(`ERR Unsupported option ${request.text(i)}`);
  }
  if (nx && (xx || gt || lt)) {
    return reply.error('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (gt && lt) return reply.error('ERR GT and LT options at the same time are not compatible');
  const expiryMs = baseMs + amount * unitMs;
  if (Math.abs(expiryMs) > expiryMsMax || Math.abs(amount * unitMs) > expiryMsMax) {
    return reply.error(`ERR invalid expire time in '${ctx.command.fullName}' command`);
  }
  const { db } = ctx;
  const ref = ctx.find(key);
  if (ref === 0) return reply.integer(0);
  const present = db.expiry(ref);
  const isRefused =
    (nx && present !== 0) ||
    (xx && present === 0) ||
    (gt && (present === 0 || expiryMs <= present)) ||
    (lt && present !== 0 && expiryMs >= present);
  if (isRefused) return reply.integer(0);
  if (expiryMs <= ctx.nowMs) {
    db.remove(ref);
    ctx.notify('g', 'del', key);
  } else {
    db.setExpiry(ref, expiryMs);
    ctx.notify('g', 'expire', key);
  }
  reply.integer(1);
}
