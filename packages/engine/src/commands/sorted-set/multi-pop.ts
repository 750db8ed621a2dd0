/** Popping from the first of several sorted sets that is there: ZMPOP, BZMPOP, BZPOPMIN and BZPOPMAX. */
import type { Reply } from '@holdfast/common';
import type { ZSetValue } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { counted, integer, key, option, type Repeated, requiredWord } from '../../grammar.js';
import { popEntries, replyOutermost } from './popping.js';
import { findZSet, replyPairs } from './zsets.js';

/** What ZMPOP and BZMPOP have in common. */
export const multiPopArgs = () => ({
  key: counted(key('RW', 'access', 'delete'), { min: 1, error: 'ERR numkeys should be greater than 0' }),
  where: requiredWord('MIN', 'MAX'),
  count: option(
    'COUNT',
    { count: integer({ min: 1, error: 'ERR count should be greater than 0' }) },
    { repeatable: false },
  ),
});

interface MultiPop {
  readonly key: Repeated;
  readonly where: 'MIN' | 'MAX';
  readonly count: { readonly present: boolean; readonly count: number };
}

/** What `firstZSet` found. */
interface FoundZSet {
  /** Null when no key has a sorted set; undefined when one has something else, and that was replied. */
  zset: ZSetValue | null | undefined;
  key: number;
}

const found: FoundZSet = { zset: null, key: 0 };

/** Pops the outermost entry and replies it with its key; false when there is none, and nothing was replied. */
export function popOne(ctx: Context, keys: Repeated, isMax: boolean, reply: Reply): boolean {
  const { zset, key } = firstZSet(ctx, keys);
  if (zset === undefined) return true;
  if (zset === null) return false;
  reply.array(3);
  reply.bulk(ctx.request.bytes, ctx.request.start(key), ctx.request.length(key));
  replyOutermost(zset, isMax, reply);
  popEntries(ctx, key, zset, isMax, 1);
  ctx.propagation?.instead(popName(isMax), ctx.request.view(key));
  return true;
}

/** Pops some entries of one set and replies them with its key; false as `popOne`. */
export function popSeveral(ctx: Context, { key: keys, where, count }: MultiPop, reply: Reply): boolean {
  const { zset, key } = firstZSet(ctx, keys);
  if (zset === undefined) return true;
  if (zset === null) return false;
  const isMax = where === 'MAX';
  const taken = Math.min(count.present ? count.count : 1, zset.size);
  reply.array(2);
  reply.bulk(ctx.request.bytes, ctx.request.start(key), ctx.request.length(key));
  reply.array(taken);
  replyPairs(zset, isMax ? zset.size - taken : 0, taken, isMax, reply);
  popEntries(ctx, key, zset, isMax, taken);
  ctx.propagation?.instead(popName(isMax), ctx.request.view(key), taken);
  return true;
}

/** What pops from one set alone. */
function popName(isMax: boolean): string {
  return isMax ? 'ZPOPMAX' : 'ZPOPMIN';
}

/** The first of the keys that has a sorted set. The object is used again by the next call. */
function firstZSet(ctx: Context, keys: Repeated): FoundZSet {
  found.zset = null;
  for (let i = 0; i < keys.count && found.zset === null; i++) {
    found.key = keys.first + i;
    found.zset = findZSet(ctx, found.key);
  }
  return found;
}
