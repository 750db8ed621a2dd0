import { type Random, type Reply, randomBelow } from '@holdfast/common';
import type { ZSetValue } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { integer, key, optional, token } from '../../grammar.js';
import { problemOfDraws, problemOfRandomCount } from '../../random-choice.js';
import { announceEntries, cursor, findZSet, replyEntries, replyEntry } from './zsets.js';

export const zrandmember = defineCommand({
  id: 426,
  name: 'ZRANDMEMBER',
  group: 'sorted-set',
  since: '6.2.0',
  complexity: 'O(N) where N is the number of members returned',
  summary: 'Returns one or more random members from a sorted set.',
  flags: ['readonly'],
  tips: ['nondeterministic_output'],
  args: {
    key: key('RO', 'access'),
    count: optional(integer()),
    withscores: token('WITHSCORES', { repeatable: false }),
  },
  run(ctx, { key, count, withscores }, reply) {
    const { random } = ctx.env;
    const problem = count === null ? null : problemOfRandomCount(ctx.request, key + 1, withscores);
    if (problem !== null) return reply.error(problem);
    const zset = findZSet(ctx, key);
    if (zset === undefined) return;
    if (zset === null) return count === null ? reply.null() : reply.array(0);
    if (count === null) {
      zset.seek(cursor, randomBelow(random, zset.size));
      return reply.bulk(cursor.bytes, cursor.start, cursor.length);
    }
    const limit = problemOfDraws(count);
    if (limit !== null) return reply.error(limit);
    if (count >= zset.size) return replyEntries(zset, 0, zset.size, false, withscores, reply);
    if (count < 0) replyDrawn(zset, -count, random, withscores, reply);
    else replyChosen(zset, count, random, withscores, reply);
  },
});

/** Replies `count` entries, any of them any number of times. */
function replyDrawn(zset: ZSetValue, count: number, random: Random, withScores: boolean, reply: Reply): void {
  announceEntries(reply, count, withScores);
  for (let i = 0; i < count; i++) {
    zset.seek(cursor, randomBelow(random, zset.size));
    replyEntry(reply, withScores);
  }
}

/** Replies `count` different entries, fewer than there are: the ranks by Floyd's algorithm. */
function replyChosen(
  zset: ZSetValue,
  count: number,
  random: Random,
  withScores: boolean,
  reply: Reply,
): void {
  const ranks = new Set<number>();
  for (let last = zset.size - count; last < zset.size; last++) {
    const rank = randomBelow(random, last + 1);
    ranks.add(ranks.has(rank) ? last : rank);
  }
  announceEntries(reply, count, withScores);
  for (const rank of ranks) {
    zset.seek(cursor, rank);
    replyEntry(reply, withScores);
  }
}
