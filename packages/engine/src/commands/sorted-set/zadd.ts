// @hot-path
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import {
  anyOf,
  key,
  notADouble,
  type Repeated,
  repeat,
  shortBytes,
  token,
  unparsedDouble,
} from '../../grammar.js';
import { addMembers, addRules, increment, reserveScores } from './adding.js';
import { createZSet, findZSet } from './zsets.js';

export const zadd = defineCommand({
  id: 400,
  name: 'ZADD',
  group: 'sorted-set',
  since: '1.2.0',
  complexity: 'O(log(N)) for each item added, where N is the number of elements in the sorted set.',
  summary:
    "Adds one or more members to a sorted set, or updates their scores. Creates the key if it doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  elements: { first: -1, step: -2 },
  args: {
    key: key('RW', 'update'),
    condition: anyOf('NX', 'XX'),
    comparison: anyOf('GT', 'LT'),
    change: token('CH'),
    increment: token('INCR'),
    data: repeat({ score: unparsedDouble(), member: shortBytes() }),
  },
  run(ctx, args, reply) {
    const { key, data } = args;
    const isIncrement = args.increment;
    const rules = args.condition | (args.comparison << 2) | (isIncrement ? addRules.increment : 0);
    const problem = problemOf(rules, data.count);
    if (problem !== null) return reply.error(problem);
    const scores = reserveScores(data.count);
    if (!readScores(ctx, data, scores)) return reply.error(notADouble);
    if (!isIncrement) return addMembers(ctx, key, data, 1, rules, args.change, reply);
    let zset = findZSet(ctx, key);
    if (zset === undefined) return;
    if (zset === null) {
      if ((rules & addRules.existing) !== 0) return reply.null();
      zset = createZSet(ctx, key);
    }
    increment(ctx, key, zset, data.first + 1, scores[0], rules, reply);
  },
});

/** What is wrong with options that are all known, or null. */
function problemOf(rules: number, count: number): string | null {
  const { missing, existing, greater, less } = addRules;
  if ((rules & missing) !== 0 && (rules & existing) !== 0) {
    return 'ERR XX and NX options at the same time are not compatible';
  }
  const order = rules & (greater | less);
  if (order === (greater | less) || ((rules & missing) !== 0 && order !== 0)) {
    return 'ERR GT, LT, and/or NX options at the same time are not compatible';
  }
  if ((rules & addRules.increment) !== 0 && count > 1) {
    return 'ERR INCR option supports a single increment-element pair';
  }
  return null;
}

/** Fills `scores`; false when one of them is no number. */
function readScores({ request }: Context, data: Repeated, scores: Float64Array): boolean {
  for (let i = 0; i < data.count; i++) {
    const score = request.double(data.first + 2 * i);
    if (score !== score) return false;
    scores[i] = score;
  }
  return true;
}
