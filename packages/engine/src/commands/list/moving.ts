/** LMOVE and its kin: an element goes from one list to another, or around in the same one. */
import { copyBytes, type Reply } from '@holdfast/common';
import { type ListValue, type Side, sides, valueTypes } from '@holdfast/storage';
import { type Context, isWrongType } from '../../context.js';
import { key } from '../../grammar.js';
import { createList, cursor, findList, popElements, replyElement, seekEnd } from './lists.js';

export const moveKeys = () => ({
  source: key('RW', 'access', 'delete'),
  destination: key('RW', 'insert'),
});

/** An element on its way within one list; larger ones get a buffer of their own. */
const scratch = Buffer.allocUnsafeSlow(4096);

/** Moves an element if there is one: false when not, and nothing was replied. */
export function move(
  ctx: Context,
  args: { source: number; destination: number },
  from: Side,
  to: Side,
  reply: Reply,
): boolean {
  const { db, request } = ctx;
  const { source, destination } = args;
  const list = findList(ctx, source);
  if (list === undefined) return true;
  if (list === null) return false;
  const ref = ctx.lookup(destination, valueTypes.list);
  if (ref === isWrongType) return true;
  seekEnd(list, from);
  ctx.admitEach(destination, 1, cursor.length);
  if (ref === list.ref) {
    rotate(list, from, to);
  } else {
    const target = ref === 0 ? createList(ctx, destination) : (db.collection(ref) as ListValue);
    seekEnd(list, from);
    target.pushOne(to, cursor.bytes, cursor.start, cursor.length);
  }
  ctx.notify('l', to === sides.left ? 'lpush' : 'rpush', destination);
  if (ref === list.ref) {
    seekEnd(list, to);
    replyElement(reply);
    ctx.notify('l', from === sides.left ? 'lpop' : 'rpop', source);
    return true;
  }
  replyElement(reply);
  db.find(request.bytes, request.start(source), request.length(source));
  popElements(ctx, source, list, from, 1);
  return true;
}

function rotate(list: ListValue, from: Side, to: Side): void {
  seekEnd(list, from);
  const { length } = cursor;
  const element = length <= scratch.length ? scratch : Buffer.allocUnsafe(length);
  copyBytes(cursor.bytes, cursor.start, element, 0, length);
  list.pop(from, 1);
  list.pushOne(to, element, 0, length);
}
