/** ZREMRANGEBYRANK, ZREMRANGEBYSCORE and ZREMRANGEBYLEX. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { type RangeKind, range } from './range.js';
import { findZSet, removeEntries } from './zsets.js';

/** Removes the range whose ends are the two arguments after `key`. */
export function removeRange(ctx: Context, key: number, kind: RangeKind, event: string, reply: Reply): void {
  const problem = range.parse(ctx.request, kind, key + 1, false);
  if (problem !== null) return reply.error(problem);
  const zset = findZSet(ctx, key);
  if (zset === undefined) return;
  if (zset === null) return reply.integer(0);
  range.select(zset);
  const { from, count } = range;
  if (count > 0) removeEntries(ctx, key, zset, from, count, event);
  ctx.countChanges(count);
  reply.integer(count);
}
