/** What the set commands share: finding and making sets, members on their way out. */
// @hot-path
import type { Reply, Request } from '@holdfast/common';
import { EntryView, type FieldTable, SetValue, valueTypes } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { storeCollection } from '../storing.js';

/** For looks within one call. */
export const view: EntryView = new EntryView();

/** The set at argument `i`: null when there is none, undefined after replying WRONGTYPE. */
export function findSet(ctx: Context, i: number): SetValue | null | undefined {
  return ctx.collection<SetValue>(i, valueTypes.set);
}

/**
 * A new set for the key at argument `i`, which was just looked for in vain. `count` members are to follow,
 * first the one at argument `member`.
 */
export function createSet({ db, request }: Context, i: number, count: number, member: number): SetValue {
  const { bytes } = request;
  const set = SetValue.expecting(db, count, bytes, request.start(member), request.length(member));
  db.putCollection(bytes, request.start(i), request.length(i), set);
  return set;
}

/** Whether the member at argument `i` is there. */
export function hasMember(set: SetValue | null, { bytes, offsets }: Request, i: number): boolean {
  return set?.has(bytes, offsets[2 * i], offsets[2 * i + 1]) ?? false;
}

/** Adds the member at argument `i`; whether it is new. */
export function addMember(set: SetValue, { bytes, offsets }: Request, i: number): boolean {
  return set.add(bytes, offsets[2 * i], offsets[2 * i + 1]);
}

/** Removes the member at argument `i`; whether it was there. */
export function removeMember(set: SetValue, { bytes, offsets }: Request, i: number): boolean {
  return set.remove(bytes, offsets[2 * i], offsets[2 * i + 1]);
}

/** Replies one member. */
export function replyMember(table: FieldTable, entry: number, reply: Reply): void {
  table.read(entry, view);
  reply.bulk(view.bytes, view.start, view.length);
}

/** Replies all members. */
export function replyMembers({ size, table }: SetValue, reply: Reply): void {
  reply.set(size);
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) replyMember(table, entry, reply);
}

/** As `storeCollection`, with the event of sets. */
export function storeSet(ctx: Context, i: number, set: SetValue, event: string, reply: Reply): void {
  storeCollection(ctx, i, set, 's', event, reply);
}
