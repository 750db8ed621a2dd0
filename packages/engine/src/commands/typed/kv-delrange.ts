import { byteStringOf } from '@holdfast/common';
import type { Database, Ref } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { integer } from '../../grammar.js';
import type { KV } from '../../kv.js';
import { isInRange, keyRangeOptions } from './key-range.js';

const found: Ref[] = [];

/**
 * Removes the keys of a range that are in one page of a pass over the key space: see KV.SCAN. Replies the
 * next cursor (0 at the end), and how many keys were removed. A page is one write, at one version; if the user may not
 * remove one of its keys, none is removed.
 */
export const kvDelRange = defineCommand({
  id: 905,
  name: 'KV.DELRANGE',
  group: 'generic',
  since: '0.1.0',
  complexity: 'O(COUNT) for every call.',
  summary: 'Iterates over the keys of a range and removes them.',
  flags: ['write'],
  scansKeyspace: 'page',
  args: { cursor: integer({ min: 0, error: 'ERR invalid cursor' }), ...keyRangeOptions },
  run(ctx, args, reply) {
    const { db, kv, request, session, storage } = ctx;
    found.length = 0;
    const next = storage.scanPage(db.index, args.cursor, args.count.present ? args.count.keys : 10, (ref) => {
      if (isInRange(db, ref, request, args)) found.push(ref);
    });
    if (db.removalVersion > session.dependsOn) session.dependsOn = db.removalVersion;
    const refusal = refusalOf(ctx);
    if (refusal !== null) return reply.error(refusal);
    let removed = 0;
    for (const ref of found) if (removeFound(kv, db, ref, ctx.nowMs)) removed++;
    reply.array(2);
    reply.integer(next);
    reply.integer(removed);
  },
});

/** Why not all that was found may be removed by whom the rules limit; null when it may. */
function refusalOf({ db, command, request, kv, nowMs, session }: Context): string | null {
  if (session.account?.isUnlimited ?? true) return null;
  for (const ref of found) {
    const expiryMs = db.expiry(ref);
    if (expiryMs !== 0 && expiryMs <= nowMs) continue;
    const { arena, dict } = db;
    const key = byteStringOf(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
    const refusal = kv.access.refusalOfRemoval(session, command, request, key);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Removes a key by its record; false when its time was over, so that it was not there. */
function removeFound(kv: KV, db: Database, ref: Ref, nowMs: number): boolean {
  const { arena, dict } = db;
  const start = dict.keyStart(ref);
  const length = dict.keyLength(ref);
  const key = Buffer.from(arena.chunk(ref).subarray(start, start + length));
  const expiryMs = db.expiry(ref);
  db.find(key, 0, length);
  if (expiryMs !== 0 && expiryMs <= nowMs) {
    kv.expiry.removeKey(db, ref);
    return false;
  }
  kv.propagation?.changing(db, key);
  kv.propagation?.instead('DEL', key);
  db.remove(ref);
  kv.notify('g', 'del', db, key, 0, length);
  return true;
}
