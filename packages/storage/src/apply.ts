/**
 * Applies mutations to databases. A record is skipped when its key already has a newer version, or the
 * same one from elsewhere (a snapshot that was taken while writes went on), so that a log may be applied
 * over any later state.
 */
import { KvError } from '@holdfast/common';
import type { Ref } from './arena.js';
import { Collection, valueTypes } from './collection.js';
import type { Database } from './database.js';
import { MutationReader, type MutationWriter, mutationKinds } from './mutation.js';
import type { Storage } from './storage.js';
import { formerStateOf, formerStates, formOf, stringForms } from './string-forms.js';
import { createCollection } from './values/create.js';

export class MutationApplier {
  readonly #storage: Storage;
  /** The keys that got the version of the current write here, by record; for each database. */
  readonly #freshByDatabase = new Map<Database, FreshKeys>();
  #fresh = new FreshKeys();
  /** Where the mutations that changed something go, if anybody wants them. */
  #effects: MutationWriter | null = null;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /**
   * Applies all records of a batch. The storage's journal must be off. `effects` gets mutations that say
   * what was changed, and nothing of what was skipped.
   */
  apply(batch: Uint8Array, effects: MutationWriter | null = null): void {
    this.#effects = effects;
    const reader = new MutationReader(batch);
    const { stamp } = this.#storage;
    // A write lies in one batch as a whole. The same batch again begins with nothing fresh.
    let version = 0;
    let start = 0;
    while (reader.next()) {
      if (reader.version !== version) {
        version = reader.version;
        this.#forgetFresh();
      }
      stamp.use(version);
      const database = this.#storage.database(reader.database);
      this.#fresh = this.#freshOf(database);
      const hasEffect = this.#applyRecord(reader, database);
      if (hasEffect) database.appliedRecords++;
      if (hasEffect && effects !== null) effects.copy(batch, start, reader.at);
      start = reader.at;
    }
    stamp.reset();
  }

  #forgetFresh(): void {
    if (this.#freshByDatabase.size < 2) this.#fresh.clear();
    else for (const fresh of this.#freshByDatabase.values()) fresh.clear();
  }

  #freshOf(database: Database): FreshKeys {
    let fresh = this.#freshByDatabase.get(database);
    if (fresh === undefined) this.#freshByDatabase.set(database, (fresh = new FreshKeys()));
    return fresh;
  }

  /** Whether the record, as it is, describes what changed. */
  #applyRecord(reader: MutationReader, database: Database): boolean {
    const { bytes, keyStart, keyLength, version } = reader;
    if (reader.kind === mutationKinds.leadership) {
      reader.field();
      return false;
    }
    if (reader.kind === mutationKinds.flushDatabase) return this.#flush(database, version);
    if (reader.kind === mutationKinds.swapDatabases) {
      this.#storage.swap(database.index, reader.byte());
      return true;
    }
    const ref = database.find(bytes, keyStart, keyLength);
    const isStale = ref !== 0 && this.#isStale(database, ref, version);
    switch (reader.kind) {
      case mutationKinds.putString: {
        const expiryMs = reader.number();
        const said = reader.byte();
        reader.field();
        if (isStale) return false;
        const { fieldStart, fieldLength } = reader;
        if (ref === 0 && formerStateOf(said) === formerStates.bareString)
          database.context.residency?.replacedUnseen(database);
        const form = formOf(said);
        this.#fresh.add(
          database.putString(ref, bytes, keyStart, keyLength, bytes, fieldStart, fieldLength, expiryMs, form),
        );
        return true;
      }
      case mutationKinds.deleteKey:
        if (ref === 0 || isStale) return false;
        database.remove(ref);
        return true;
      case mutationKinds.setExpiry: {
        const expiryMs = reader.number();
        if (ref === 0 || isStale) return false;
        this.#fresh.add(database.setExpiry(ref, expiryMs));
        return true;
      }
      case mutationKinds.patchString:
        return this.#patchString(reader, database, ref, isStale);
      case mutationKinds.renameKey:
        reader.field();
        return ref !== 0 && !isStale && this.#rename(reader, database);
      default:
        return this.#applyToCollection(reader, database, ref, isStale);
    }
  }

  /** Removes the key that `find` just returned, as an effect of its own. */
  #remove(database: Database, ref: Ref): void {
    const { arena, dict, index } = database;
    const { version } = this.#storage.stamp;
    const { deleteKey } = mutationKinds;
    const length = dict.keyLength(ref);
    this.#effects?.begin(deleteKey, index, version, arena.chunk(ref), dict.keyStart(ref), length);
    database.remove(ref);
  }

  /** Whether a key is as new as a record of `version` already, and not through this batch. */
  #isStale(database: Database, ref: Ref, version: number): boolean {
    const known = database.version(ref);
    return known > version || (known === version && !this.#fresh.has(ref));
  }

  #patchString(reader: MutationReader, database: Database, ref: Ref, isStale: boolean): boolean {
    const { bytes, keyStart, keyLength } = reader;
    const length = reader.uint32();
    const at = reader.uint32();
    reader.field();
    if (isStale) return false;
    const { fieldStart, fieldLength } = reader;
    if (at + fieldLength > length) throw new KvError('CORRUPT', 'a patch reaches beyond its string');
    let record = ref;
    // Over a later state the string may be gone: what removed it comes later in the log.
    if (ref === 0 || database.type(ref) !== valueTypes.string) {
      record = database.putString(ref, bytes, keyStart, keyLength, bytes, 0, 0, 0, stringForms.raw);
    }
    this.#fresh.add(database.patchString(record, length, at, bytes, fieldStart, fieldLength));
    return true;
  }

  #rename(reader: MutationReader, database: Database): boolean {
    const { bytes, fieldStart, fieldLength, version } = reader;
    const target = database.find(bytes, fieldStart, fieldLength);
    // The new name may hold the moved key already, or a later one: what now has the old name is a relic of
    // the records before, which were applied to nothing.
    if (target !== 0 && this.#isStale(database, target, version)) {
      this.#remove(database, database.find(bytes, reader.keyStart, reader.keyLength));
      return false;
    }
    if (target !== 0) database.remove(target);
    const ref = database.find(bytes, reader.keyStart, reader.keyLength);
    this.#fresh.add(database.rename(ref, bytes, fieldStart, fieldLength));
    return true;
  }

  #applyToCollection(reader: MutationReader, database: Database, ref: Ref, isStale: boolean): boolean {
    const type = (reader.kind >>> 3) - 1;
    const { bytes, keyStart, keyLength } = reader;
    if (isStale) {
      // Its fields must be read all the same: a scratch collection without a key takes them.
      const scratch = createCollection(type, database);
      scratch.apply(reader);
      scratch.release(Number.POSITIVE_INFINITY);
      return false;
    }
    if (ref !== 0 && database.type(ref) !== type) {
      this.#remove(database, ref);
      ref = 0;
    }
    let record = ref;
    if (record === 0) {
      database.find(bytes, keyStart, keyLength);
      record = database.putCollection(bytes, keyStart, keyLength, createCollection(type, database));
    }
    const collection = database.collection(record);
    if (!(collection instanceof Collection)) return false;
    database.touch(record);
    collection.apply(reader);
    this.#fresh.add(record);
    return true;
  }

  /** Removes the keys that are older than the flush: all of them, but when applied over a later state. */
  #flush(database: Database, version: number): boolean {
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
      return true;
    }
    for (const key of older) this.#remove(database, database.find(key, 0, key.length));
    return false;
  }
}

/** A set of records that most often has one. Clearing a Set for each write took half of the time of applying it. */
class FreshKeys {
  #one: Ref = 0;
  readonly #others = new Set<Ref>();

  add(ref: Ref): void {
    if (this.#one === 0) this.#one = ref;
    else if (ref !== this.#one) this.#others.add(ref);
  }

  has(ref: Ref): boolean {
    return ref === this.#one || this.#others.has(ref);
  }

  clear(): void {
    this.#one = 0;
    if (this.#others.size > 0) this.#others.clear();
  }
}
