/** Giving members scores, as ZADD and ZINCRBY do. */
// @hot-path
import type { Reply, Request } from '@holdfast/common';
import type { ZSetValue } from '@holdfast/storage';
import type { Context } from '../../context.js';
import type { Repeated } from '../../grammar.js';
import { createZSet, findZSet } from './zsets.js';

/** Which members get the score, as bits: ZADD's options. `increment` adds it to the old one. */
export const addRules = { missing: 1, existing: 2, greater: 4, less: 8, increment: 16 } as const;

/** What became of a member. `skipped` by a rule; `invalid`: the sum of two infinities. */
export const addOutcomes = { unchanged: 0, added: 1, updated: 2, skipped: 3, invalid: 4 } as const;
export type AddOutcome = (typeof addOutcomes)[keyof typeof addOutcomes];

const notANumber = 'ERR resulting score is not a number (NaN)';

/** The scores of one call, read before anything is changed. */
let scores = new Float64Array(64);

/** Room for the scores of `addMembers`. */
export function reserveScores(count: number): Float64Array {
  if (count > scores.length) scores = new Float64Array(count * 2);
  return scores;
}

/**
 * Gives the members of `data`, each the argument `within` its item, the scores that were reserved; replies how many
 * are new, or how many changed.
 */
export function addMembers(
  ctx: Context,
  key: number,
  data: Repeated,
  within: number,
  rules: number,
  countsChanges: boolean,
  reply: Reply,
): void {
  let zset = findZSet(ctx, key);
  if (zset === undefined) return;
  if (zset === null) {
    if ((rules & addRules.existing) !== 0) return reply.integer(0);
    zset = createZSet(ctx, key);
  }
  zset.expect(data.count);
  let added = 0;
  let updated = 0;
  for (let i = 0; i < data.count; i++) {
    const outcome = giveScore(zset, ctx.request, data.first + data.stride * i + within, scores[i], rules);
    if (outcome === addOutcomes.added) added++;
    else if (outcome === addOutcomes.updated) updated++;
  }
  reply.integer(countsChanges ? added + updated : added);
  ctx.countChanges(added + updated);
  if (added + updated > 0) ctx.notify('z', 'zadd', key);
}

/** The score that `giveScore` gave last. */
const given = { score: 0 };

/** Gives the member at argument `i` a score. */
export function giveScore(
  zset: ZSetValue,
  request: Request,
  i: number,
  score: number,
  rules: number,
): AddOutcome {
  const { bytes } = request;
  const start = request.start(i);
  const length = request.length(i);
  const old = zset.score(bytes, start, length);
  given.score = score;
  if (old !== old) {
    if ((rules & addRules.existing) !== 0) return addOutcomes.skipped;
    zset.add(bytes, start, length, score);
    return addOutcomes.added;
  }
  if ((rules & addRules.missing) !== 0) return addOutcomes.skipped;
  const next = (rules & addRules.increment) === 0 ? score : old + score;
  if (next !== next) return addOutcomes.invalid;
  if ((rules & addRules.less) !== 0 && next >= old) return addOutcomes.skipped;
  if ((rules & addRules.greater) !== 0 && next <= old) return addOutcomes.skipped;
  given.score = next;
  if (next === old) return addOutcomes.unchanged;
  zset.update(bytes, start, length, next);
  return addOutcomes.updated;
}

/** Adds to the score of the member at argument `i`, and replies the sum, or the null when a rule forbids it. */
export function increment(
  ctx: Context,
  key: number,
  zset: ZSetValue,
  i: number,
  by: number,
  rules: number,
  reply: Reply,
): void {
  const outcome = giveScore(zset, ctx.request, i, by, rules | addRules.increment);
  if (outcome === addOutcomes.invalid) return reply.error(notANumber);
  if (outcome === addOutcomes.skipped) return reply.null();
  reply.double(given.score);
  if (outcome !== addOutcomes.unchanged) ctx.notify('z', 'zincr', key);
}
