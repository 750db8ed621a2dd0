/** What the list commands share: finding, making and emptying lists, and elements on their way out. */
// @hot-path
import type { Reply } from '@holdfast/common';
import { ListCursor, ListValue, type Side, sides, valueTypes } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { requiredWord } from '../../grammar.js';

/** For walks within one call. */
export const cursor: ListCursor = new ListCursor();

/** `LEFT` or `RIGHT`. */
export const end = () => requiredWord('LEFT', 'RIGHT');

export function sideOf(word: 'LEFT' | 'RIGHT'): Side {
  return word === 'LEFT' ? sides.left : sides.right;
}

/** The list at argument `i`: null when there is none, undefined after replying WRONGTYPE. */
export function findList(ctx: Context, i: number): ListValue | null | undefined {
  return ctx.collection<ListValue>(i, valueTypes.list);
}

/** A new list for the key at argument `i`, which was just looked for in vain. Elements are to follow. */
export function createList(ctx: Context, i: number): ListValue {
  const { db, request } = ctx;
  const list = new ListValue(db);
  db.putCollection(request.bytes, request.start(i), request.length(i), list);
  return list;
}

/** Goes to the outermost element on a side. */
export function seekEnd(list: ListValue, side: Side): void {
  cursor.seek(list, side === sides.left ? 0 : list.size - 1);
}

/** Replies the element at the cursor. */
export function replyElement(reply: Reply): void {
  reply.bulk(cursor.bytes, cursor.start, cursor.length);
}

/** Replies `count` elements from a side on, one after another. */
export function replyFromEnd(list: ListValue, side: Side, count: number, reply: Reply): void {
  seekEnd(list, side);
  for (let i = 0; i < count; i++) {
    replyElement(reply);
    if (side === sides.left) cursor.next();
    else cursor.previous();
  }
}

/**
 * Removes `count` elements at one end of the list at argument `key`; the key with the last of them. The
 * key must be the one that was looked up last.
 */
export function popElements(ctx: Context, key: number, list: ListValue, side: Side, count: number): void {
  const isAll = count >= list.size;
  if (isAll) ctx.db.remove(list.ref);
  else list.pop(side, count);
  ctx.countChanges(count);
  ctx.notify('l', side === sides.left ? 'lpop' : 'rpop', key);
  if (isAll) ctx.notify('g', 'del', key);
}
