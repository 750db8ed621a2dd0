/** What commands that store their result have in common. */
import type { Reply } from '@holdfast/common';
import type { Collection } from '@holdfast/storage';
import type { Context } from '../context.js';

/**
 * Makes a collection of no key the value of the key at argument `i`, whatever that was; an empty one removes the key.
 * Replies the number of elements. A key that gets another value is no new key. Throws KvError LIMIT: see `admitBuilt`.
 */
export function storeCollection(
  ctx: Context,
  i: number,
  collection: Collection & { readonly size: number },
  eventClass: string,
  event: string,
  reply: Reply,
): void {
  const { db, request } = ctx;
  const { bytes } = request;
  const [start, length] = [request.start(i), request.length(i)];
  ctx.admitBuilt(collection);
  const ref = ctx.find(i);
  if (ref !== 0) db.remove(ref);
  if (collection.size > 0) {
    if (ref !== 0) db.find(bytes, start, length);
    db.adopt(bytes, start, length, collection, 0, ref === 0);
    ctx.notify(eventClass, event, i);
  } else if (ref !== 0) {
    ctx.notify('g', 'del', i);
  }
  reply.integer(collection.size);
}
