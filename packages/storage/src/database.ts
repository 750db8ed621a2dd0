/**
 * One logical database: the keys that are resident, their values, versions and expiries.
 *
 * Everything is synchronous. A method that takes a `ref` from `find` must be called before the next
 * `find`: the record is the one that the dict last looked at. Every change stamps its key with the
 * version of the current write, tells the observer and, when changes are journaled, writes one
 * mutation. It does not decide whether an expired key is still to be seen: its callers ask `expiry`.
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import type { Ref } from './arena.js';
import { type Collection, valueTypes } from './collection.js';
import { collectionBytes } from './keyspace.js';
import { MutationWriter, mutationKinds } from './mutation.js';
import { hasObject } from './records.js';
import { StringKeys } from './string-keys.js';

/** No description takes so many times the memory of what it describes. */
const describedShare = 4;

export class Database extends StringKeys {
  /** The version of the last removal: what a reader depends on who found nothing. */
  removalVersion = 0;
  /** How many records from elsewhere had an effect here: what was derived from the data may be out of date. */
  appliedRecords = 0;

  /** Attaches a new collection to a key that `find` just missed. Elements are added afterwards. */
  putCollection(key: Uint8Array, start: number, length: number, collection: Collection): Ref {
    this.context.creations?.created(this, key, start, length);
    const record = this.dict.create(key, start, length, 0, (collection.type << 24) | hasObject);
    this.dict.setObject(record, this.arena.attach(collection));
    this.arena.usedBytes += collectionBytes;
    this.dict.setStamp(record, this.context.stamp.current());
    collection.ref = record;
    return record;
  }

  /**
   * Makes a collection that was built without a key the value of the key that `find` just missed, as one change.
   * `isNew`: whether who waits for new keys is told. Returns the record.
   */
  adopt(
    key: Uint8Array,
    start: number,
    length: number,
    collection: Collection,
    expiryMs: number,
    isNew = true,
  ): Ref {
    const { creations } = this.context;
    if (!isNew) this.context.creations = null;
    let record = this.putCollection(key, start, length, collection);
    this.context.creations = creations;
    if (expiryMs !== 0) record = this.shapeExpiry(record, expiryMs);
    this.touch(record);
    if (this.context.journal !== null) this.describe(record, this.context.journal);
    return record;
  }

  /** Sets the expiry of the key `find` just returned, in ms since 1970, or removes it with 0. Returns the record. */
  setExpiry(ref: Ref, expiryMs: number): Ref {
    const record = this.shapeExpiry(ref, expiryMs);
    this.touch(record);
    if (this.context.journal !== null) {
      this.begin(mutationKinds.setExpiry, record);
      this.context.journal.number(expiryMs);
    }
    return record;
  }

  /** Removes the key that `find` just returned. Large values are released later, bit by bit. */
  remove(ref: Ref): void {
    const version = this.context.stamp.current();
    this.removalVersion = version;
    this.dict.setStamp(ref, version);
    if (this.context.journal !== null) this.begin(mutationKinds.deleteKey, ref);
    this.observe(ref);
    if (this.context.residency !== null) this.#leave(ref);
    this.disposeValue(ref);
    if (this.dict.expiry(ref) !== 0) this.expiries.removed();
    this.dict.remove(ref);
  }

  /** The collection of a key that is in memory in part; null for any other key. */
  partialCollection(ref: Ref): Collection | null {
    if (this.dict.type(ref) === valueTypes.string) return null;
    const collection = this.collection(ref);
    return collection.partial === null ? null : collection;
  }

  /**
   * The key that `find` just returned leaves memory: it stays what it is, elsewhere. No write: it has no version, and
   * nobody is told.
   */
  letGo(ref: Ref): void {
    this.disposeValue(ref);
    if (this.dict.expiry(ref) !== 0) this.expiries.removed();
    this.dict.remove(ref);
  }

  /**
   * Moves the key `find` just returned to another name, which must not exist, with value and expiry;
   * O(1) whatever its size, and one small mutation, except while a snapshot is being taken: then the
   * value is written out, since the snapshot may have passed the new name and not yet the old one. What others
   * wrote can't be made longer, nor what is too long for the log then: there the snapshot is told of the new name.
   */
  rename(ref: Ref, key: Uint8Array, start: number, length: number): Ref {
    const { dict, context } = this;
    const isDescribed = context.snapshots > 0 && context.journal !== null && this.takesWhole(ref);
    const version = context.stamp.current();
    this.removalVersion = version;
    dict.setStamp(ref, version);
    if (context.journal !== null) {
      if (isDescribed) {
        this.begin(mutationKinds.deleteKey, ref);
      } else {
        this.begin(mutationKinds.renameKey, ref);
        context.journal.field(key, start, length);
      }
    }
    this.observe(ref);
    if (context.residency !== null) this.#leave(ref);
    const head = dict.typeAndFlags(ref);
    const expiryMs = dict.expiry(ref);
    const valueLength = dict.valueLength(ref);
    const object = (head & hasObject) === 0 ? 0 : dict.object(ref);
    const value = Buffer.allocUnsafe(valueLength);
    copyBytes(this.arena.chunk(ref), dict.valueStart(ref), value, 0, valueLength);
    const { access } = dict;
    dict.remove(ref);
    dict.find(key, start, length);
    context.creations?.created(this, key, start, length);
    const record = dict.create(key, start, length, valueLength, head);
    if (dict.tracksAccess) dict.access = access;
    if ((head & hasObject) !== 0) dict.setObject(record, object);
    copyBytes(value, 0, this.arena.chunk(record), dict.valueStart(record), valueLength);
    if (expiryMs !== 0) dict.setExpiry(record, expiryMs);
    this.moved(record);
    this.touch(record);
    if (context.snapshots > 0) {
      if (isDescribed) this.describe(record, context.journal!);
      else context.renamed.push({ database: this, key: Buffer.from(key.subarray(start, start + length)) });
    }
    return record;
  }

  /** Whether the log takes, with what the current write did so far, records that build a key again: see `describe`. */
  takesWhole(ref: Ref): boolean {
    const { journal } = this.context;
    if (journal === null || journal.takes(this.arena.usedBytes * describedShare)) return true;
    const description = new MutationWriter();
    this.describe(ref, description);
    return journal.takes(description.length);
  }

  /** Writes records that build a key again, with its value, version and expiry. */
  describe(ref: Ref, writer: MutationWriter): void {
    const { dict } = this;
    const expiryMs = dict.expiry(ref);
    if (dict.type(ref) === valueTypes.string) {
      this.readString(ref);
      this.describeString(ref, expiryMs, writer);
      return;
    }
    this.collection(ref).describe(writer);
    if (expiryMs === 0) return;
    this.begin(mutationKinds.setExpiry, ref, writer);
    writer.number(expiryMs);
  }

  /**
   * As `describe`, where an older state of the key may have been described before: what a collection has lost since
   * must not outlive it.
   */
  describeAgain(ref: Ref, writer: MutationWriter): void {
    if (this.dict.type(ref) !== valueTypes.string) this.begin(mutationKinds.deleteKey, ref, writer);
    this.describe(ref, writer);
  }

  /** Removes all keys at once; O(1) beside what the runtime then frees. */
  flush(): void {
    const { context } = this;
    const version = context.stamp.current();
    if (context.journal !== null) {
      context.journal.begin(mutationKinds.flushDatabase, this.index, version, Buffer.alloc(0), 0, 0);
    }
    if (context.observer !== null) context.observer.replaced(this, null);
    this.reset();
    // It was in the arena that is gone.
    this.valueBytes = Buffer.alloc(0);
    this.removalVersion = version;
    if (context.residency !== null) context.residency.emptied(this);
  }

  #leave(ref: Ref): void {
    const { dict } = this;
    this.context.residency!.removed(this, this.arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
  }
}
