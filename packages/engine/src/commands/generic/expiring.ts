/** EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT: one rule, four units. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { expiryMsMax } from '../../expiry-options.js';
import { token } from '../../grammar.js';

/** NX: only without an expiry; XX: only with one; GT, LT: only to a later or an earlier one. */
export const expiryConditions = { nx: token('NX'), xx: token('XX'), gt: token('GT'), lt: token('LT') };

export interface ExpiryConditions {
  readonly nx: boolean;
  readonly xx: boolean;
  readonly gt: boolean;
  readonly lt: boolean;
}

/** Sets the expiry of a key to `amount` units after `baseMs`. A time in the past removes the key. */
export function expireKey(
  ctx: Context,
  key: number,
  amount: number,
  unitMs: number,
  baseMs: number,
  conditions: ExpiryConditions,
  reply: Reply,
): void {
  const { nx, xx, gt, lt } = conditions;
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
