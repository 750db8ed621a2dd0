/** Replying the members in a range, as ZRANGE and its older kin do. */
// @hot-path
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { type RangeKind, range } from './range.js';
import { findZSet, replyEntries } from './zsets.js';

/** What `LIMIT offset count` says, if it is there. */
export interface Limit {
  readonly present: boolean;
  readonly offset: number;
  readonly count: number;
}

export const noLimit: Limit = { present: false, offset: 0, count: -1 };

export const limitWithoutKind =
  'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX';

export const scoresByMember = 'ERR syntax error, WITHSCORES not supported in combination with BYLEX';

export function kindOf(word: 'BYSCORE' | 'BYLEX' | null): RangeKind {
  if (word === null) return 'rank';
  return word === 'BYSCORE' ? 'score' : 'member';
}

/** Replies the range whose ends are the two arguments after `key`. */
export function replyRange(
  ctx: Context,
  key: number,
  kind: RangeKind,
  isReverse: boolean,
  limit: Limit,
  withScores: boolean,
  reply: Reply,
): void {
  const problem = range.parse(ctx.request, kind, key + 1, isReverse);
  if (problem !== null) return reply.error(problem);
  const zset = findZSet(ctx, key);
  if (zset === undefined) return;
  if (zset === null) return reply.array(0);
  range.select(zset);
  if (limit.present && kind !== 'rank') range.limit(limit.offset, limit.count);
  replyEntries(zset, range.from, range.count, isReverse, withScores, reply);
}
