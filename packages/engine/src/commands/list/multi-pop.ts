/** Popping from the first of several lists that has elements. */
import type { Reply } from '@holdfast/common';
import { type ListValue, type Side, sides } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { counted, integer, key, option, type Repeated } from '../../grammar.js';
import { end, findList, popElements, replyElement, replyFromEnd, seekEnd } from './lists.js';

/** What LMPOP and BLMPOP have in common. */
export const multiPopArgs = () => ({
  key: counted(key('RW', 'access', 'delete'), { min: 1, error: 'ERR numkeys should be greater than 0' }),
  where: end(),
  count: option(
    'COUNT',
    { count: integer({ min: 1, error: 'ERR count should be greater than 0' }) },
    { repeatable: false },
  ),
});

/** What `firstList` found. */
export interface FoundList {
  /** Null when no key has a list; undefined when one has something else, and that was replied. */
  list: ListValue | null | undefined;
  key: number;
}

const found: FoundList = { list: null, key: 0 };

/** The first of the keys that has a list. The object is used again by the next call. */
export function firstList(ctx: Context, keys: Repeated): FoundList {
  found.list = null;
  for (let i = 0; i < keys.count && found.list === null; i++) {
    found.key = keys.first + i;
    found.list = findList(ctx, found.key);
  }
  return found;
}

/** Pops one element and replies it with its key; false when there is none, and nothing was replied. */
export function popOne(ctx: Context, keys: Repeated, side: Side, reply: Reply): boolean {
  const { list, key } = firstList(ctx, keys);
  if (list === undefined) return true;
  if (list === null) return false;
  reply.array(2);
  reply.bulk(ctx.request.bytes, ctx.request.start(key), ctx.request.length(key));
  seekEnd(list, side);
  replyElement(reply);
  popElements(ctx, key, list, side, 1);
  ctx.propagation?.instead(popName(side), ctx.request.view(key));
  return true;
}

/** Pops up to `count` elements of one list and replies them with its key; false as `popOne`. */
export function popSeveral(ctx: Context, keys: Repeated, side: Side, count: number, reply: Reply): boolean {
  const { list, key } = firstList(ctx, keys);
  if (list === undefined) return true;
  if (list === null) return false;
  const taken = Math.min(count, list.size);
  reply.array(2);
  reply.bulk(ctx.request.bytes, ctx.request.start(key), ctx.request.length(key));
  reply.array(taken);
  replyFromEnd(list, side, taken, reply);
  popElements(ctx, key, list, side, taken);
  ctx.propagation?.instead(popName(side), ctx.request.view(key), taken);
  return true;
}

/** What pops from one list alone. */
function popName(side: Side): string {
  return side === sides.left ? 'LPOP' : 'RPOP';
}
