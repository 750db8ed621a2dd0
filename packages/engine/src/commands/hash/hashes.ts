/** What the hash commands share: finding and making hashes, fields on their way out. */
// @hot-path
import type { Reply, Request } from '@holdfast/common';
import { EntryView, HashValue, valueTypes } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { key } from '../../grammar.js';

/** For looks within one call. */
export const view: EntryView = new EntryView();

/** Of a command that reads values. */
export const readKey = { key: key('RO', 'access') };

/** The hash at argument `i`: null when there is none, undefined after replying WRONGTYPE. */
export function findHash(ctx: Context, i: number): HashValue | null | undefined {
  return ctx.collection<HashValue>(i, valueTypes.hash);
}

/** A new hash for the key at argument `i`, which was just looked for in vain. Fields are to follow. */
export function createHash({ db, request }: Context, i: number): HashValue {
  const hash = new HashValue(db);
  db.putCollection(request.bytes, request.start(i), request.length(i), hash);
  return hash;
}

/** Points `view` at the field at argument `i`; its entry, 0 when there is none. */
export function viewField(hash: HashValue | null, { bytes, offsets }: Request, i: number): number {
  if (hash === null) return 0;
  const { table } = hash;
  const entry = table.find(bytes, offsets[2 * i], offsets[2 * i + 1]);
  if (entry !== 0) table.read(entry, view);
  return entry;
}

/** Replies the value of the field at argument `i`, or the null. */
export function replyValueOf(hash: HashValue | null, request: Request, i: number, reply: Reply): void {
  if (viewField(hash, request, i) === 0) reply.null();
  else replyValue(reply);
}

/** The field, and the value, that `view` points at. */
export function replyField(reply: Reply): void {
  reply.bulk(view.bytes, view.start, view.length);
}

export function replyValue(reply: Reply): void {
  reply.bulk(view.valueBytes, view.valueStart, view.valueLength);
}

/** Sets the field at argument `field` to the value at argument `value`; whether it is new. */
export function setField(
  hash: HashValue,
  { bytes, offsets }: Request,
  field: number,
  value: number,
): boolean {
  return hash.set(
    bytes,
    offsets[2 * field],
    offsets[2 * field + 1],
    bytes,
    offsets[2 * value],
    offsets[2 * value + 1],
  );
}

/** Removes the field at argument `i`; whether it was there. */
export function removeField(hash: HashValue, { bytes, offsets }: Request, i: number): boolean {
  return hash.remove(bytes, offsets[2 * i], offsets[2 * i + 1]);
}
