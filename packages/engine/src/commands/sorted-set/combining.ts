/** Union, intersection and difference of sorted sets and sets. The order in which scores are added is Redis'. */
import { type Database, Dict, ZSetValue } from '@holdfast/storage';
import type { Operand } from './operand.js';

export type Aggregate = 'SUM' | 'MIN' | 'MAX';

/** Makes one sorted set, of no key, of several. */
export type Combine = (db: Database, operands: Operand[], aggregate: Aggregate) => ZSetValue;

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
