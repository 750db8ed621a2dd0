/** What a storage holds, key by key: the functions first, then all databases. Nobody else changes it meanwhile. */
import { type Database, databaseCount, dumpPayload, type Storage, systemDatabase } from '@holdfast/storage';

const pageKeys = 256;

export interface StoredKey {
  readonly database: number;
  readonly key: Buffer;
  readonly payload: Buffer;
  readonly expiryMs: number;
  /** Of the system's database: its value, a byte string. */
  readonly text: string;
}

export async function* storedKeys(storage: Storage): AsyncGenerator<StoredKey> {
  for (const index of [systemDatabase, ...Array.from({ length: databaseCount - 1 }, (_, i) => i)])
    yield* keysOf(storage, index);
}

async function* keysOf(storage: Storage, index: number): AsyncGenerator<StoredKey> {
  let cursor = 0;
  do {
    await storage.prepareScan(index, cursor, pageKeys);
    const names: Buffer[] = [];
    const db = storage.database(index);
    cursor = storage.scanPage(index, cursor, pageKeys, (ref) => {
      const { arena, dict } = db;
      const start = dict.keyStart(ref);
      names.push(Buffer.from(arena.chunk(ref).subarray(start, start + dict.keyLength(ref))));
    });
    // One after another: a page of large values would be in memory twice.
    for (const key of names) {
      if (!storage.isResident(index, key, 0, key.length)) await storage.load([{ database: index, key }]);
      yield storedKeyOf(db, key);
    }
  } while (cursor !== 0);
}

function storedKeyOf(db: Database, key: Buffer): StoredKey {
  const { index } = db;
  const ref = db.find(key, 0, key.length);
  const [payload, expiryMs] = [dumpPayload(db, ref), db.expiry(ref)];
  return { database: index, key, payload, expiryMs, text: index === systemDatabase ? textOf(db, ref) : '' };
}

function textOf(db: Database, ref: number): string {
  db.readString(ref);
  const { valueBytes, valueLength, valueStart } = db;
  return Buffer.from(valueBytes.subarray(valueStart, valueStart + valueLength)).toString('latin1');
}
