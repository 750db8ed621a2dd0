/** LPOP and RPOP. */
// @hot-path
import type { Reply } from '@holdfast/common';
import type { Side } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { integer, key, optional } from '../../grammar.js';
import { findList, popElements, replyElement, replyFromEnd, seekEnd } from './lists.js';

const outOfRange = 'ERR value is out of range, must be positive';

export const popArgs = () => ({
  key: key('RW', 'access', 'delete'),
  count: optional(integer({ min: 0, error: outOfRange })),
});

export function pop(
  ctx: Context,
  args: { key: number; count: number | null },
  side: Side,
  reply: Reply,
): void {
  const { key, count } = args;
  const list = findList(ctx, key);
  if (list === undefined) return;
  if (list === null) return count === null ? reply.null() : reply.nullArray();
  if (count === null) {
    seekEnd(list, side);
    replyElement(reply);
    return popElements(ctx, key, list, side, 1);
  }
  const taken = Math.min(count, list.size);
  reply.array(taken);
  if (taken === 0) return;
  replyFromEnd(list, side, taken, reply);
  popElements(ctx, key, list, side, taken);
}
