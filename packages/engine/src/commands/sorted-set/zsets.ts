/** What the sorted-set commands share: finding and making sets, entries on their way out, removals. */
// @hot-path
import type { Reply, Request } from '@holdfast/common';
import { valueTypes, ZSetCursor, ZSetValue } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { storeCollection } from '../storing.js';

/** For walks within one call. */
export const cursor: ZSetCursor = new ZSetCursor();

/** The sorted set at argument `i`: null when there is none, undefined after replying WRONGTYPE. */
export function findZSet(ctx: Context, i: number): ZSetValue | null | undefined {
  return ctx.collection<ZSetValue>(i, valueTypes.zset);
}

/** A new sorted set for the key at argument `i`, which was just looked for in vain. Members are to follow. */
export function createZSet(ctx: Context, i: number): ZSetValue {
  const { db, request } = ctx;
  const zset = new ZSetValue(db);
  db.putCollection(request.bytes, request.start(i), request.length(i), zset);
  return zset;
}

/** The score of the member at argument `i`, or the null. */
export function replyScore(zset: ZSetValue | null, request: Request, i: number, reply: Reply): void {
  const score = zset === null ? Number.NaN : zset.score(request.bytes, request.start(i), request.length(i));
  if (score === score) reply.double(score);
  else reply.null();
}

/** Announces `count` entries: with scores in pairs, or flat for clients that know no better. */
export function announceEntries(reply: Reply, count: number, withScores: boolean): void {
  reply.array(withScores && reply.dialect === 2 ? count * 2 : count);
}

/** The entry at the cursor, as `announceEntries` said. */
export function replyEntry(reply: Reply, withScores: boolean): void {
  if (withScores && reply.dialect === 3) reply.array(2);
  reply.bulk(cursor.bytes, cursor.start, cursor.length);
  if (withScores) reply.double(cursor.score);
}

/** Replies `count` entries that are there: upwards from rank `from`, or downwards to it. */
export function replyEntries(
  zset: ZSetValue,
  from: number,
  count: number,
  isReverse: boolean,
  withScores: boolean,
  reply: Reply,
): void {
  announceEntries(reply, count, withScores);
  if (count > 0) zset.seek(cursor, isReverse ? from + count - 1 : from);
  for (let i = 0; i < count; i++) {
    replyEntry(reply, withScores);
    step(zset, isReverse);
  }
}

/** As `replyEntries`, in pairs for everybody, and announced by the caller. */
export function replyPairs(
  zset: ZSetValue,
  from: number,
  count: number,
  isReverse: boolean,
  reply: Reply,
): void {
  if (count > 0) zset.seek(cursor, isReverse ? from + count - 1 : from);
  for (let i = 0; i < count; i++) {
    reply.array(2);
    reply.bulk(cursor.bytes, cursor.start, cursor.length);
    reply.double(cursor.score);
    step(zset, isReverse);
  }
}

function step(zset: ZSetValue, isReverse: boolean): void {
  if (isReverse) zset.stepBack(cursor);
  else zset.stepForward(cursor);
}

/** Adds `count` entries of a set, from a rank on, to one that has none of them. */
export function copyEntries(source: ZSetValue, from: number, count: number, target: ZSetValue): void {
  target.expect(count);
  if (count > 0) source.seek(cursor, from);
  for (let i = 0; i < count; i++) {
    target.put(cursor.bytes, cursor.start, cursor.length, cursor.score);
    source.stepForward(cursor);
  }
}

/**
 * Removes `count` entries, at least one, from a rank on; the key with the last of them. The key at argument
 * `i` must be the one that was looked up last.
 */
export function removeEntries(
  ctx: Context,
  i: number,
  zset: ZSetValue,
  from: number,
  count: number,
  event: string,
): void {
  const isAll = count === zset.size;
  if (isAll) ctx.db.remove(zset.ref);
  else zset.removeRange(from, count);
  ctx.notify('z', event, i);
  if (isAll) ctx.notify('g', 'del', i);
}

/** As `storeCollection`, with the event of sorted sets. */
export function storeZSet(ctx: Context, i: number, zset: ZSetValue, event: string, reply: Reply): void {
  storeCollection(ctx, i, zset, 'z', event, reply);
}
