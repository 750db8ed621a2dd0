/** LPUSH, RPUSH, and the two that push to lists which are there. */
// @hot-path
import type { Reply } from '@holdfast/common';
import { type Side, sides } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { bytes, key, type Repeated, repeat } from '../../grammar.js';
import { createList, findList } from './lists.js';

export const pushArgs = () => ({ key: key('RW', 'insert'), element: repeat(bytes()) });

export function push(
  ctx: Context,
  args: { key: number; element: Repeated },
  side: Side,
  creates: boolean,
  reply: Reply,
): void {
  let list = findList(ctx, args.key);
  if (list === undefined) return;
  if (list === null) {
    if (!creates) return reply.integer(0);
    list = createList(ctx, args.key);
  }
  list.push(side, ctx.request, args.element.first, args.element.count);
  ctx.countChanges(args.element.count);
  ctx.notify('l', side === sides.left ? 'lpush' : 'rpush', args.key);
  reply.integer(list.size);
}
