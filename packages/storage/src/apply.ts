/**
 * Applies mutations to databases. A record is skipped when its key already has a newer version, or the
 * same one from elsewhere (a snapshot that was taken while writes went on), so that a log may be applied
 * over any later state.
 */
import { Collection } from './collection.js';
import type { Database } from './database.js';
import { MutationReader, mutationKinds } from './mutation.js';
import type { Storage } from './storage.js';
import { createCollection } from './values/create.js';

export class MutationApplier {
  readonly #storage: Storage;
  /** The keys that got the version of the current write here, by record. */
  readonly #fresh = new Set<number>();
  #version = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Applies all records of a batch. The storage's journal must be off. */
  apply(batch: Uint8Array): void {
    const reader = new MutationReader(batch);
    const { stamp } = this.#storage;
    while (reader.next()) {
      if (reader.version !== this.#version) {
        this.#version = reader.version;
        this.#fresh.clear();
      }
      stamp.use(reader.version);
      this.#applyRecord(reader, this.#storage.database(reader.database));
    }
    stamp.reset();
  }

  #applyRecord(reader: MutationReader, database: Database): void {
    const { bytes, keyStart, keyLength, version } = reader;
    if (reader.kind === mutationKinds.flushDatabase) {
      this.#flush(database, version);
      return;
    }
    if (reader.kind === mutationKinds.swapDatabases) {
      this.#storage.swap(database.index, reader.byte());
      return;
    }
    const ref = database.find(bytes, keyStart, keyLength);
    const known = ref === 0 ? 0 : database.version(ref);
    const isStale = known > version || (known === version && !this.#fresh.has(ref));
    switch (reader.kind) {
      case mutationKinds.putString: {
        const expiryMs = reader.number();
        const raw = reader.byte() === 1;
        reader.field();
        if (isStale) return;
        const { fieldStart, fieldLength } = reader;
        this.#fresh.add(
          database.putString(ref, bytes, keyStart, keyLength, bytes, fieldStart, fieldLength, expiryMs, raw),
        );
        return;
      }
      case mutationKinds.deleteKey:
        if (ref !== 0 && !isStale) database.remove(ref);
        return;
      case mutationKinds.setExpiry: {
        const expiryMs = reader.number();
        if (ref !== 0 && !isStale) this.#fresh.add(database.setExpiry(ref, expiryMs));
        return;
      }
      case mutationKinds.renameKey:
        reader.field();
        if (ref !== 0 && !isStale) this.#rename(reader, database);
        return;
      default:
        this.#applyToCollection(reader, database, ref, isStale);
    }
  }

  #rename(reader: MutationReader, database: Database): void {
    const { bytes, fieldStart, fieldLength, version } = reader;
    const target = database.find(bytes, fieldStart, fieldLength);
    if (target !== 0 && database.version(target) > version) {
      database.remove(database.find(bytes, reader.keyStart, reader.keyLength));
      return;
    }
    if (target !== 0) database.remove(target);
    const ref = database.find(bytes, reader.keyStart, reader.keyLength);
    this.#fresh.add(database.rename(ref, bytes, fieldStart, fieldLength));
  }

  #applyToCollection(reader: MutationReader, database: Database, ref: number, isStale: boolean): void {
    const type = (reader.kind >>> 3) - 1;
    const { bytes, keyStart, keyLength } = reader;
    if (isStale) {
      // Its fields must be read all the same: a scratch collection without a key takes them.
      createCollection(type, database).apply(reader);
      return;
    }
    if (ref !== 0 && database.type(ref) !== type) {
      database.remove(ref);
      ref = 0;
    }
    let record = ref;
    if (record === 0) {
      database.find(bytes, keyStart, keyLength);
      record = database.putCollection(bytes, keyStart, keyLength, createCollection(type, database));
    }
    const collection = database.collection(record);
    if (!(collection instanceof Collection)) return;
    database.touch(record);
    collection.apply(reader);
    this.#fresh.add(record);
  }

  /** Removes the keys that are older than the flush: all of them, but when applied over a later state. */
  #flush(database: Database, version: number): void {
    const newer: Uint8Array[] = [];
    const older: Uint8Array[] = [];
    const { dict } = database;
    dict.forEach((ref) => {
      const start = dict.keyStart(ref);
      const key = Buffer.from(database.arena.chunk(ref).subarray(start, start + dict.keyLength(ref)));
      (database.version(ref) > version ? newer : older).push(key);
    });
    if (newer.length === 0) {
      database.flush();
      return;
    }
    for (const key of older) database.remove(database.find(key, 0, key.length));
  }
}
