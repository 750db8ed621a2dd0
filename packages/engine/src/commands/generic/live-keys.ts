/** Walking over keys whose time is not over. */
import { byteStringOf } from '@holdfast/common';
import type { Database, Ref } from '@holdfast/storage';
import type { Context } from '../../context.js';

/** The name of a record's key, or null when it has expired. */
export function liveName({ db, nowMs }: Context, ref: number): string | null {
  const expiryMs = db.expiry(ref);
  if (expiryMs !== 0 && expiryMs <= nowMs) return null;
  const { arena, dict } = db;
  return byteStringOf(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
}

/** The record in any database of the key at argument `i`; one that has expired is removed first. */
export function findLive({ kv, nowMs, request }: Context, db: Database, i: number): Ref {
  const ref = db.find(request.bytes, request.start(i), request.length(i));
  if (ref === 0) return 0;
  const expiryMs = db.expiry(ref);
  if (expiryMs === 0 || expiryMs > nowMs) return ref;
  kv.expire(db, ref);
  db.find(request.bytes, request.start(i), request.length(i));
  return 0;
}

/** Calls `visit` with the name of every key of the current database. */
export function forEachLiveKey(ctx: Context, visit: (name: string, ref: number) => void): void {
  const { session, storage } = ctx;
  let cursor = 0;
  do {
    cursor = storage.scanPage(session.database, cursor, 1024, (ref) => {
      const name = liveName(ctx, ref);
      if (name !== null) visit(name, ref);
    });
  } while (cursor !== 0);
}
