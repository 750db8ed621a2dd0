/** Expiries of fields: how they are read, and what becomes of a field that gets one. */
import type { Reply } from '@holdfast/common';
import type { HashValue } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { notAnInteger } from '../../grammar.js';
import { removeField } from './hashes.js';

/** The latest point in time that Redis gives a field, in ms since 1970: 46 bits. */
const fieldExpiryMsMax = 2 ** 46 - 1;

/** What happened to fields: for the events that follow. */
export class FieldChanges {
  expired = 0;
  persisted = 0;
  removed = 0;

  /** Sends the events, and removes the key when no field is left. */
  announce(ctx: Context, key: number, hash: HashValue): void {
    if (this.removed > 0) ctx.notify('h', 'hdel', key);
    if (this.expired > 0) ctx.notify('h', 'hexpire', key);
    if (this.persisted > 0) ctx.notify('h', 'hpersist', key);
    ctx.removeIfEmpty(key, hash);
  }
}

/** Argument `i`, so many units after `baseMs`, in ms since 1970; -1 after replying what is wrong with it. */
export function readFieldExpiry(
  { command, request }: Context,
  i: number,
  unitMs: number,
  baseMs: number,
  reply: Reply,
): number {
  const amount = request.integer(i);
  const expiryMs = amount * unitMs + baseMs;
  if (amount !== amount) reply.error(notAnInteger);
  else if (amount < 0) reply.error('ERR invalid expire time, must be >= 0');
  else if (expiryMs > fieldExpiryMsMax) {
    reply.error(`ERR invalid expire time in '${command.fullName}' command`);
  } else return expiryMs;
  return -1;
}

/**
 * Sets the expiry of the field at argument `i`, which `table.find` just found as `entry`; one in the past
 * removes it. Whether it is still there.
 */
export function expireField(
  { nowMs, request }: Context,
  hash: HashValue,
  entry: number,
  i: number,
  expiryMs: number,
  changes: FieldChanges,
): boolean {
  if (expiryMs <= nowMs) {
    removeField(hash, request, i);
    changes.removed++;
    return false;
  }
  if (hash.table.expiry(entry) !== expiryMs) {
    hash.setExpiry(entry, request.bytes, request.start(i), request.length(i), expiryMs);
  }
  changes.expired++;
  return true;
}

/** Makes the field at argument `i`, just found as `entry`, stay; whether it expired before. */
export function persistField(
  { request }: Context,
  hash: HashValue,
  entry: number,
  i: number,
  changes: FieldChanges,
): boolean {
  if (hash.table.expiry(entry) === 0) return false;
  hash.setExpiry(entry, request.bytes, request.start(i), request.length(i), 0);
  changes.persisted++;
  return true;
}
