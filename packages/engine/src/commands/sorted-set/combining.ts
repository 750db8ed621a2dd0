/** Union, intersection and difference of sorted sets and sets. The order in which scores are added is Redis'. */
import type { Reply } from '@holdfast/common';
import { type Database, Dict, ZSetValue } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { counted, double, key, option, type Repeated, requiredWord, valuesFor } from '../../grammar.js';
import { type Operand, readOperands } from './operand.js';
import { replyEntries, storeZSet } from './zsets.js';

export type Aggregate = 'SUM' | 'MIN' | 'MAX';

/** Makes one sorted set, of no key, of several. */
export type Combine = (db: Database, operands: Operand[], aggregate: Aggregate) => ZSetValue;

/** `numkeys key [key ...]` */
export const inputKeys = (command: string) =>
  counted(key('RO', 'access'), {
    min: 1,
    rangeError: `ERR at least 1 input key is needed for '${command}' command`,
  });

/** `[WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]` */
export const scoreOptions = () => ({
  weight: valuesFor('key', 'WEIGHTS', double({ error: 'ERR weight value is not a float' })),
  aggregate: option('AGGREGATE', { aggregate: requiredWord('SUM', 'MIN', 'MAX') }),
});

interface CombineArgs {
  readonly key: Repeated;
  readonly weight?: Repeated;
  readonly aggregate?: { readonly present: boolean; readonly aggregate: Aggregate };
}

/** Replies what is made of the keys. */
export function replyCombined(
  ctx: Context,
  args: CombineArgs & { readonly withscores: boolean },
  combine: Combine,
  reply: Reply,
): void {
  const result = combineKeys(ctx, args, combine);
  if (result === null) return;
  replyEntries(result, 0, result.size, false, args.withscores, reply);
  if (!result.release(releaseAtOnce)) ctx.db.context.released.push(result);
}

/** Stores what is made of the keys. */
export function storeCombined(
  ctx: Context,
  args: CombineArgs & { readonly destination: number },
  combine: Combine,
  event: string,
  reply: Reply,
): void {
  const result = combineKeys(ctx, args, combine);
  if (result !== null) storeZSet(ctx, args.destination, result, event, reply);
}

/** A result that was replied is freed at once if it has no more entries than this. */
const releaseAtOnce = 128;

function combineKeys(ctx: Context, args: CombineArgs, combine: Combine): ZSetValue | null {
  const operands = readOperands(ctx, args.key, args.weight ?? null);
  if (operands === null) return null;
  const aggregate = args.aggregate?.present ? args.aggregate.aggregate : 'SUM';
  return combine(ctx.db, operands, aggregate);
}

export const union: Combine = (db, operands, aggregate) => {
  const scores = new Dict(db.arena, db.context.seed);
  for (const operand of operands.sort(bySize)) {
    operand.rewind();
    while (operand.next()) {
      const { bytes, start, length, weighted } = operand;
      const known = scores.find(bytes, start, length);
      const ref = known === 0 ? scores.create(bytes, start, length, 0, 0) : known;
      scores.setStamp(ref, known === 0 ? weighted : join(scores.stamp(ref), weighted, aggregate));
    }
  }
  return ZSetValue.of(db, scores);
};

export const intersection: Combine = (db, operands, aggregate) => {
  const result = new ZSetValue(db);
  intersect(operands, aggregate, Number.POSITIVE_INFINITY, result);
  return result;
};

/** Puts what all operands have into `result`, if there is one, until there are `limit`; returns how many there are. */
export function intersect(
  operands: Operand[],
  aggregate: Aggregate,
  limit: number,
  result: ZSetValue | null,
): number {
  const [smallest, ...others] = operands.sort(bySize);
  let count = 0;
  smallest.rewind();
  while (count < limit && smallest.next()) {
    const { bytes, start, length } = smallest;
    let score = smallest.weighted;
    let isEverywhere = true;
    for (const other of others) {
      // A set is not to be searched while it is being walked through.
      const found =
        other.collection === smallest.collection ? smallest.score : other.scoreOf(bytes, start, length);
      if (found !== found) {
        isEverywhere = false;
        break;
      }
      score = join(score, found * other.weight, aggregate);
    }
    if (!isEverywhere) continue;
    count++;
    result?.put(bytes, start, length, score);
  }
  return count;
}

export const difference: Combine = (db, [first, ...others]) => {
  const result = new ZSetValue(db);
  if (others.some((other) => other.collection === first.collection)) return result;
  // The largest first: it is the one most likely to have a member.
  others.sort((a, b) => b.size - a.size);
  first.rewind();
  while (first.next()) {
    const { bytes, start, length, score } = first;
    const isElsewhere = others.some((other) => !Number.isNaN(other.scoreOf(bytes, start, length)));
    if (!isElsewhere) result.put(bytes, start, length, score);
  }
  return result;
};

function bySize(a: Operand, b: Operand): number {
  return a.size - b.size;
}

function join(a: number, b: number, aggregate: Aggregate): number {
  if (aggregate === 'MIN') return b < a ? b : a;
  if (aggregate === 'MAX') return b > a ? b : a;
  const sum = a + b;
  return sum === sum ? sum : 0;
}
