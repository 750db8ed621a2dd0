/** What a storage holds, key by key: the functions first, then all databases. */
import { databaseCount, dumpPayload, type Storage, systemDatabase } from '@holdfast/storage';

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
    const page: StoredKey[] = [];
    const db = storage.database(index);
    cursor = storage.scanPage(index, cursor, pageKeys, (ref) => {
      const { arena, dict } = db;
      const start = dict.keyStart(ref);
      const key = Buffer.from(arena.chunk(ref).subarray(start, start + dict.keyLength(ref)));
      let text = '';
      if (index === systemDatabase) {
        db.readString(ref);
        const { valueBytes, valueLength, valueStart } = db;
        text = Buffer.from(valueBytes.subarray(valueStart, valueStart + valueLength)).toString('latin1');
      }
      page.push({ database: index, key, payload: dumpPayload(db, ref), expiryMs: db.expiry(ref), text });
    });
    yield* page;
  } while (cursor !== 0);
}
