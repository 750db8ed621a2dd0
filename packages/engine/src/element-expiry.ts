/**
 * Elements that expire one by one: the fields of hashes. Those whose time is over are removed before a
 * command sees their hash, or by a sweep in the background; the key goes with the last of them. So no
 * command asks for a field's expiry unless that is what it is about, and counts are exact.
 *
 * Whoever comes first after many fields of a hash expired at once pays for their removal, about half a
 * microsecond each; nothing if all of its fields did, since then the key goes as a whole.
 */
import type { Database, ExpiringCollection, Ref } from '@holdfast/storage';
import { valueTypes } from '@holdfast/storage';
import type { KV } from './kv.js';

/** A sweep looks at its clock after so many elements. */
const sweepElementsMax = 128;

export class ElementExpiry {
  readonly #kv: KV;

  constructor(kv: KV) {
    this.#kv = kv;
  }

  /** Removes what has expired in the value of a key; whether the key is gone. */
  remove(db: Database, ref: Ref, nowMs: number): boolean {
    if (db.type(ref) !== valueTypes.hash) return false;
    const collection = db.collection(ref) as unknown as ExpiringCollection;
    if (collection.earliestExpiryMs > nowMs) return false;
    return this.#removeFrom(db, collection, nowMs, Number.POSITIVE_INFINITY);
  }

  /** Removes what has expired anywhere in a database, each time as a write of its own; false when it has to stop. */
  sweep(db: Database, nowMs: number, untilMs: number): boolean {
    const { env, storage } = this.#kv;
    const queue = db.expiringCollections;
    while (queue.earliestMs <= nowMs) {
      const collection = queue.earliest;
      if (collection.ref === 0) {
        queue.remove(collection);
        continue;
      }
      storage.stamp.reset();
      this.#removeFrom(db, collection, nowMs, sweepElementsMax);
      if (env.clock.monotonic() >= untilMs) return false;
    }
    return true;
  }

  /** Whether the key is gone. */
  #removeFrom(db: Database, collection: ExpiringCollection, nowMs: number, budget: number): boolean {
    const { stats } = this.#kv;
    const { arena, dict } = db;
    const start = dict.keyStart(collection.ref);
    const key = Buffer.from(
      arena.chunk(collection.ref).subarray(start, start + dict.keyLength(collection.ref)),
    );
    const { propagation } = this.#kv;
    propagation?.changing(db, key);
    const isOver = collection.hasExpired(nowMs);
    const removed = isOver ? collection.size : collection.removeExpired(nowMs, budget);
    stats.expiredFields += removed;
    const isGone = isOver || collection.size === 0;
    if (isGone) db.remove(db.find(key, 0, key.length));
    propagation?.outcome(db, key);
    if (removed > 0) this.#kv.notify('h', 'hexpired', db, key, 0, key.length);
    if (isGone) this.#kv.notify('g', 'del', db, key, 0, key.length);
    return isGone;
  }
}
