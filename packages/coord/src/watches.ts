/** WATCH: which sessions care about which keys. A change of a key breaks the watch of each of them. */
import type { Session, WatchedKey } from '@holdfast/engine';
import type { Database, Storage } from '@holdfast/storage';
import { keyNameOf } from './wait-queues.js';

export class Watches {
  storage: Storage;
  readonly #sessions = new Map<string, Set<Session>>();

  constructor(storage: Storage) {
    this.storage = storage;
  }

  /** Number of watched keys. */
  get size(): number {
    return this.#sessions.size;
  }

  add(session: Session, database: number, key: Uint8Array, nowMs: number): void {
    const name = keyNameOf(database, key, 0, key.length);
    let sessions = this.#sessions.get(name);
    if (sessions === undefined) this.#sessions.set(name, (sessions = new Set()));
    if (sessions.has(session)) return;
    sessions.add(session);
    const wasExpired = this.#isExpired(database, key, nowMs);
    session.watched.push({ database, key: Buffer.from(key), wasExpired });
  }

  /** Forgets what a session watches. */
  clear(session: Session): void {
    for (const { database, key } of session.watched) {
      const name = keyNameOf(database, key, 0, key.length);
      const sessions = this.#sessions.get(name)!;
      sessions.delete(session);
      if (sessions.size === 0) this.#sessions.delete(name);
    }
    session.watched = [];
    session.watchBroken = false;
  }

  /** Whatever is watched may have changed. */
  breakAll(): void {
    for (const sessions of this.#sessions.values())
      for (const session of sessions) session.watchBroken = true;
  }

  changed(name: string): void {
    const sessions = this.#sessions.get(name);
    if (sessions === undefined) return;
    for (const session of sessions) {
      // Broken is broken: who watches thousands of keys is not looked through for each change of one.
      if (session.watchBroken) continue;
      const watched = watchedBy(session, name);
      // An expired key that is removed looks as it did when it was watched.
      if (!watched.wasExpired) session.watchBroken = true;
      else Object.assign(watched, { wasExpired: false });
    }
  }

  /**
   * A database loses its keys, or gets those of another: watches on keys that exist in either break, unless
   * the key was and remains as good as absent.
   */
  replaced(database: Database, by: Database | null, nowMs: number): void {
    for (const [name, sessions] of this.#sessions) {
      if (name.charCodeAt(0) !== database.index) continue;
      const key = Buffer.from(name.slice(1), 'latin1');
      const wasThere = this.#isThere(database, key);
      const after = by === null ? 0 : by.find(key, 0, key.length);
      const isThereAfter = by !== null && this.#isThere(by, key);
      if (!wasThere && !isThereAfter) continue;
      const isAbsentAfter = !isThereAfter || (after !== 0 && isOver(by!, after, nowMs));
      for (const session of sessions) {
        if (session.watchBroken) continue;
        const watched = watchedBy(session, name);
        const wasAbsent = !wasThere || watched.wasExpired;
        if (wasAbsent && isAbsentAfter) Object.assign(watched, { wasExpired: after !== 0 });
        else session.watchBroken = true;
      }
    }
  }

  /** Whether EXEC must refuse: a watched key changed, or its time came meanwhile. */
  isBroken(session: Session, nowMs: number): boolean {
    if (session.watchBroken) return true;
    return session.watched.some(
      ({ database, key, wasExpired }) => !wasExpired && this.#isExpired(database, key, nowMs),
    );
  }

  /** Whether the key exists, expired or not; one of which the disk alone knows may. */
  #isThere(database: Database, key: Uint8Array): boolean {
    return (
      database.find(key, 0, key.length) !== 0 || !this.storage.isResident(database.index, key, 0, key.length)
    );
  }

  #isExpired(database: number, key: Uint8Array, nowMs: number): boolean {
    const db = this.storage.database(database);
    const ref = db.find(key, 0, key.length);
    if (ref === 0) return false;
    return isOver(db, ref, nowMs);
  }
}

function isOver(database: Database, ref: number, nowMs: number): boolean {
  const expiryMs = database.expiry(ref);
  return expiryMs !== 0 && expiryMs <= nowMs;
}

function watchedBy(session: Session, name: string): WatchedKey {
  return session.watched.find(({ database, key }) => keyNameOf(database, key, 0, key.length) === name)!;
}
