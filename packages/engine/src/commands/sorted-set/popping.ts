/** ZPOPMIN and ZPOPMAX, and taking entries away from either end. */
// @hot-path
import type { Reply } from '@holdfast/common';
import type { ZSetValue } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { key, optional, unparsedInteger } from '../../grammar.js';
import { cursor, findZSet, removeEntries, replyEntries } from './zsets.js';

export const popArgs = () => ({ key: key('RW', 'access', 'delete'), count: optional(unparsedInteger()) });

export function pop(
  ctx: Context,
  { key, count }: { key: number; count: number | null },
  isMax: boolean,
  reply: Reply,
): void {
  const wanted = count === null ? 1 : ctx.request.integer(count);
  if (!(wanted >= 0)) return reply.error('ERR value is out of range, must be positive');
  const zset = findZSet(ctx, key);
  if (zset === undefined) return;
  if (zset === null || wanted === 0) return reply.array(0);
  const taken = Math.min(wanted, zset.size);
  if (count === null) {
    reply.array(2);
    replyOutermost(zset, isMax, reply);
  } else {
    replyEntries(zset, isMax ? zset.size - taken : 0, taken, isMax, true, reply);
  }
  popEntries(ctx, key, zset, isMax, taken);
}

/** Member and score of the first or the last entry. */
export function replyOutermost(zset: ZSetValue, isMax: boolean, reply: Reply): void {
  zset.seek(cursor, isMax ? zset.size - 1 : 0);
  reply.bulk(cursor.bytes, cursor.start, cursor.length);
  reply.double(cursor.score);
}

/** Removes the first or the last entries of the set at argument `key`, which must have been looked up last. */
export function popEntries(ctx: Context, key: number, zset: ZSetValue, isMax: boolean, count: number): void {
  const from = isMax ? zset.size - count : 0;
  removeEntries(ctx, key, zset, from, count, isMax ? 'zpopmax' : 'zpopmin');
}
