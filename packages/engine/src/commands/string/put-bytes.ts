/** Writes a request's argument, or other bytes, as the string at a key: what most string commands end with. */
import type { Context } from '../../context.js';

/** `ref` is what `find` just returned for the key at argument `i`. Returns the record. */
export function putArgument(ctx: Context, ref: number, i: number, value: number, expiryMs: number): number {
  const { request } = ctx;
  return putBytes(ctx, ref, i, request.bytes, request.start(value), request.length(value), expiryMs);
}

export function putBytes(
  { db, request }: Context,
  ref: number,
  i: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  expiryMs: number,
): number {
  const { bytes: key } = request;
  return db.putString(ref, key, request.start(i), request.length(i), bytes, start, length, expiryMs, false);
}
