/** ZRANK and ZREVRANK. */
// @hot-path
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { bytes, key, optional, requiredWord } from '../../grammar.js';
import { findZSet } from './zsets.js';

export const rankArgs = () => ({
  key: key('RO', 'access'),
  member: bytes(),
  withscore: optional(requiredWord('WITHSCORE')),
});

export function replyRank(
  ctx: Context,
  args: { key: number; member: number; withscore: string | null },
  isReverse: boolean,
  reply: Reply,
): void {
  const { request } = ctx;
  const withScore = args.withscore !== null;
  const zset = findZSet(ctx, args.key);
  if (zset === undefined) return;
  const { member } = args;
  const score =
    zset === null ? Number.NaN : zset.score(request.bytes, request.start(member), request.length(member));
  if (zset === null || score !== score) return withScore ? reply.nullArray() : reply.null();
  const rank = zset.rank();
  if (withScore) reply.array(2);
  reply.integer(isReverse ? zset.size - 1 - rank : rank);
  if (withScore) reply.double(score);
}
