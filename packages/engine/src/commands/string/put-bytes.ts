/** Writes a request's argument, or other bytes, as the string at a key: what most string commands end with. */
// @hot-path
import { emptyBytes } from '@holdfast/common';
import { stringForms } from '@holdfast/storage';
import type { Context } from '../../context.js';

/** `ref` is what `find` just returned for the key at argument `i`. Returns the record. */
export function putArgument(ctx: Context, ref: number, i: number, value: number, expiryMs: number): number {
  const { request } = ctx;
  return putBytes(ctx, ref, i, request.bytes, request.start(value), request.length(value), expiryMs);
}

export function putBytes(
  { db, request }: Context,
  ref: number,
  i: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  expiryMs: number,
  form: number = stringForms.plain,
): number {
  const { bytes: key } = request;
  return db.putString(ref, key, request.start(i), request.length(i), bytes, start, length, expiryMs, form);
}

/**
 * Writes `count` bytes into the string at a key, from position `at` on; it is made, or made longer, as far as
 * they reach. `ref` is what `find` just returned for the key at argument `i`. Returns the record.
 */
export function patchBytes(
  ctx: Context,
  ref: number,
  i: number,
  at: number,
  bytes: Uint8Array,
  start: number,
  count: number,
): number {
  const { db } = ctx;
  if (ref !== 0) {
    const length = Math.max(at + count, db.stringLength(ref));
    return db.patchString(ref, length, at, bytes, start, count);
  }
  const record = putBytes(ctx, 0, i, emptyBytes, 0, 0, 0);
  try {
    return db.patchString(record, at + count, at, bytes, start, count);
  } catch (error) {
    // Too long for the memory there is: nothing was there, and nothing stays.
    db.remove(record);
    throw error;
  }
}

/**
 * As `putArgument`, with its events. The time may be over already: then the key is gone at once. `isAbsolute`: the command
 * says the point in time itself, and says the same elsewhere.
 */
export function putExpiring(
  ctx: Context,
  ref: number,
  i: number,
  value: number,
  expiryMs: number,
  isAbsolute = false,
): void {
  const isOver = expiryMs <= ctx.nowMs;
  const { propagation, request } = ctx;
  if (isOver) propagation?.insteadRemoved(request.view(i), 'lazyfree-lazy-expire');
  else if (!isAbsolute) propagation?.instead('SET', request.view(i), request.view(value), 'PXAT', expiryMs);
  if (!isOver) putArgument(ctx, ref, i, value, expiryMs);
  else if (ref !== 0) ctx.db.remove(ref);
  else {
    ctx.db.tellAbsent(request.bytes, request.start(i), request.length(i));
    ctx.notify('n', 'new', i);
  }
  ctx.notify('$', 'set', i);
  ctx.notify('g', 'expire', i);
  if (isOver) {
    ctx.kv.stats.expired++;
    ctx.notify('x', 'expired', i);
  }
}
