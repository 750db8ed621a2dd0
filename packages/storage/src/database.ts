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
import { Arena, type Ref } from './arena.js';
import { Collection, valueTypes } from './collection.js';
import type { DatabaseContext } from './database-context.js';
import { Dict } from './dict.js';
import { Expiries } from './expiries.js';
import { ExpiringCollections } from './expiring-collections.js';
import { allocateLarge, LargeString } from './large-string.js';
import { type MutationWriter, mutationKinds } from './mutation.js';
import { formShift, hasExpiry, hasObject } from './records.js';
import { rawHead, stringForms } from './string-forms.js';

/** Strings up to this length lie in the arena; longer ones have a buffer of their own. */
export const inlineValueBytesMax: number = 512 * 1024;

/**
 * A small first chunk: each flush takes a new one, and the runtime collects its whole heap for each 64 MiB that are
 * taken. Emptying a small database took 35 to 100 ms with
 * a first chunk of that size, and takes 1 to 3 ms so, on a busy machine.
 */
const firstChunkBytes = 1 << 22;

/** A collection with at most this many elements is freed at once when its key goes. */
const releaseAtOnce = 64;

/** See `Expiries`. */
const invalidExpiriesMax = 1024;

/** What a collection takes on the heap beside the arena, about: as measured of small hashes. */
const collectionBytes = 180;

export class Database {
  /** 0 to 15; SWAPDB changes it. */
  index: number;
  readonly context: DatabaseContext;
  arena!: Arena;
  dict!: Dict;
  /** Which keys expire, and when. A change of a key tells it, nobody else. */
  expiries!: Expiries;
  /** Collections with elements that expire one by one. */
  expiringCollections!: ExpiringCollections;
  /** The version of the last removal: what a reader depends on who found nothing. */
  removalVersion = 0;
  /** How many records from elsewhere had an effect here: what was derived from the data may be out of date. */
  appliedRecords = 0;
  /** Where `readString` found the value. Valid until the next change. */
  valueBytes!: Uint8Array;
  valueStart = 0;
  valueLength = 0;

  constructor(index: number, context: DatabaseContext) {
    this.index = index;
    this.context = context;
    this.#reset();
  }

  get journal(): MutationWriter | null {
    return this.context.journal;
  }

  /** Bytes taken by keys and values, and by what finds them. */
  get usedBytes(): number {
    return this.arena.usedBytes + this.expiries.bytes;
  }

  /** Number of keys, those that have expired but were not yet removed among them. */
  get size(): number {
    return this.dict.size;
  }

  /** The record of a key, 0 when there is none. */
  find(bytes: Uint8Array, start: number, length: number): Ref {
    return this.dict.find(bytes, start, length);
  }

  /** One of `valueTypes`. */
  type(ref: Ref): number {
    return this.dict.type(ref);
  }

  version(ref: Ref): number {
    return this.dict.stamp(ref);
  }

  /** Ms since 1970; 0 when the key does not expire. */
  expiry(ref: Ref): number {
    return this.dict.expiry(ref);
  }

  /** One of `stringForms`. */
  stringForm(ref: Ref): number {
    return this.dict.typeAndFlags(ref) >>> formShift;
  }

  /** A string was opened for a change that then changed nothing: it is `raw`, while it is in memory. Not a write. */
  markRaw(ref: Ref): void {
    this.dict.setForm(ref, stringForms.raw);
  }

  /** Points `valueBytes`, `valueStart` and `valueLength` at a string's bytes: a view, not a copy. */
  readString(ref: Ref): void {
    const dict = this.dict;
    if ((dict.typeAndFlags(ref) & hasObject) !== 0) {
      const large = this.arena.object(dict.object(ref)) as LargeString;
      this.valueBytes = large.bytes;
      this.valueStart = 0;
      this.valueLength = large.length;
      return;
    }
    this.valueBytes = this.arena.chunk(ref);
    this.valueStart = dict.valueStart(ref);
    this.valueLength = dict.valueLength(ref);
  }

  stringLength(ref: Ref): number {
    if ((this.dict.typeAndFlags(ref) & hasObject) === 0) return this.dict.valueLength(ref);
    return (this.arena.object(this.dict.object(ref)) as LargeString).length;
  }

  /** The collection of a key that is not a string. */
  collection(ref: Ref): Collection {
    return this.arena.object(this.dict.object(ref)) as Collection;
  }

  /**
   * Sets a key to a string, whatever it was. `ref` is what `find` just returned for the key. The value
   * must not be a view of the one that is replaced. Returns the record.
   */
  putString(
    ref: Ref,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    expiryMs: number,
    form: number,
  ): Ref {
    const buffer = valueLength > inlineValueBytesMax ? allocateLarge(valueLength) : null;
    const record = this.#shapeString(ref, key, keyStart, keyLength, valueLength, buffer, expiryMs, form);
    this.readString(record);
    copyBytes(value, valueStart, this.valueBytes, this.valueStart, valueLength);
    this.#stringChanged(record, expiryMs);
    return record;
  }

  /** As `putString`, of a buffer that the caller gives away: a large string keeps it as it is. */
  putOwnedString(
    ref: Ref,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Buffer,
    expiryMs: number,
    form: number,
  ): Ref {
    const { length } = value;
    if (length <= inlineValueBytesMax) {
      return this.putString(ref, key, keyStart, keyLength, value, 0, length, expiryMs, form);
    }
    const record = this.#shapeString(ref, key, keyStart, keyLength, length, value, expiryMs, form);
    this.readString(record);
    this.#stringChanged(record, expiryMs);
    return record;
  }

  /**
   * Sets the string at `ref` to `length` bytes: the old ones as far as they reach, then zeros, then
   * `patch` over them at `patchAt`. The base of APPEND, SETRANGE and SETBIT. Keeps the expiry; the
   * string becomes `raw`. `ref` is what `find` just returned, not 0. Returns the record.
   */
  patchString(
    ref: Ref,
    length: number,
    patchAt: number,
    patch: Uint8Array,
    from: number,
    count: number,
  ): Ref {
    const dict = this.dict;
    const head = rawHead(dict.typeAndFlags(ref));
    const oldLength = this.stringLength(ref);
    let record = ref;
    if ((head & hasObject) === 0 && length <= inlineValueBytesMax) {
      record = dict.replace(ref, length, head, true);
      if (record !== ref) this.#moved(record);
    } else {
      record = this.#enlarge(ref, length);
    }
    this.readString(record);
    if (length > oldLength) this.valueBytes.fill(0, this.valueStart + oldLength, this.valueStart + length);
    copyBytes(patch, from, this.valueBytes, this.valueStart + patchAt, count);
    this.touch(record);
    const { journal } = this.context;
    if (journal !== null) {
      this.#begin(mutationKinds.patchString, record);
      journal.uint32(length);
      journal.uint32(patchAt);
      journal.field(patch, from, count);
    }
    return record;
  }

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
    if (expiryMs !== 0) record = this.#shapeExpiry(record, expiryMs);
    this.touch(record);
    if (this.context.journal !== null) this.describe(record, this.context.journal);
    return record;
  }

  /** Sets the expiry of the key `find` just returned, in ms since 1970, or removes it with 0. Returns the record. */
  setExpiry(ref: Ref, expiryMs: number): Ref {
    const record = this.#shapeExpiry(ref, expiryMs);
    this.touch(record);
    if (this.context.journal !== null) {
      this.#begin(mutationKinds.setExpiry, record);
      this.context.journal.number(expiryMs);
    }
    return record;
  }

  /** Removes the key that `find` just returned. Large values are released later, bit by bit. */
  remove(ref: Ref): void {
    const version = this.context.stamp.current();
    this.removalVersion = version;
    this.dict.setStamp(ref, version);
    if (this.context.journal !== null) this.#begin(mutationKinds.deleteKey, ref);
    this.#observe(ref);
    if (this.context.residency !== null) this.#leave(ref);
    this.#disposeValue(ref);
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
    this.#disposeValue(ref);
    if (this.dict.expiry(ref) !== 0) this.expiries.removed();
    this.dict.remove(ref);
  }

  /**
   * Moves the key `find` just returned to another name, which must not exist, with value and expiry;
   * O(1) whatever its size, and one small mutation, except while a snapshot is being taken: then the
   * value is written out, since the snapshot may have passed the new name and not yet the old one. What others
   * wrote can't be made longer: there the snapshot is told of the new name.
   */
  rename(ref: Ref, key: Uint8Array, start: number, length: number): Ref {
    const { dict, context } = this;
    const version = context.stamp.current();
    this.removalVersion = version;
    dict.setStamp(ref, version);
    if (context.journal !== null) {
      if (context.snapshots > 0) {
        this.#begin(mutationKinds.deleteKey, ref);
      } else {
        this.#begin(mutationKinds.renameKey, ref);
        context.journal.field(key, start, length);
      }
    }
    this.#observe(ref);
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
    this.#moved(record);
    this.touch(record);
    if (context.snapshots > 0) {
      if (context.journal !== null) this.describe(record, context.journal);
      else context.renamed.push({ database: this, key: Buffer.from(key.subarray(start, start + length)) });
    }
    return record;
  }

  /** Writes records that build a key again, with its value, version and expiry. */
  describe(ref: Ref, writer: MutationWriter): void {
    const { dict } = this;
    const expiryMs = dict.expiry(ref);
    if (dict.type(ref) === valueTypes.string) {
      this.readString(ref);
      this.#describeString(ref, expiryMs, writer);
      return;
    }
    this.collection(ref).describe(writer);
    if (expiryMs === 0) return;
    this.#begin(mutationKinds.setExpiry, ref, writer);
    writer.number(expiryMs);
  }

  /**
   * As `describe`, where an older state of the key may have been described before: what a collection has lost since
   * must not outlive it.
   */
  describeAgain(ref: Ref, writer: MutationWriter): void {
    if (this.dict.type(ref) !== valueTypes.string) this.#begin(mutationKinds.deleteKey, ref, writer);
    this.describe(ref, writer);
  }

  /** Stamps a key as changed by the current write, and tells nobody. */
  stamp(ref: Ref): void {
    this.dict.setStamp(ref, this.context.stamp.current());
  }

  /** Stamps a key as changed by the current write, and tells the observer. */
  touch(ref: Ref): void {
    this.stamp(ref);
    if (this.context.observer !== null) this.#observe(ref);
  }

  /** Removes all keys at once; O(1) beside what the runtime then frees. */
  flush(): void {
    const { context } = this;
    const version = context.stamp.current();
    if (context.journal !== null) {
      context.journal.begin(mutationKinds.flushDatabase, this.index, version, Buffer.alloc(0), 0, 0);
    }
    if (context.observer !== null) context.observer.replaced(this, null);
    this.#reset();
    this.removalVersion = version;
    if (context.residency !== null) context.residency.emptied(this);
  }

  /**
   * Gives the record of a key the shape of a string of `length` bytes, which lie in `large` if there are too
   * many for the arena; content and version are not set.
   */
  #shapeString(
    ref: Ref,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    length: number,
    large: Buffer | null,
    expiryMs: number,
    form: number,
  ): Ref {
    const dict = this.dict;
    const head =
      (valueTypes.string << 24) |
      (expiryMs !== 0 ? hasExpiry : 0) |
      (large !== null ? hasObject : 0) |
      (form << formShift);
    const inline = large !== null ? 0 : length;
    let record = ref;
    if (ref === 0) {
      this.context.creations?.created(this, key, keyStart, keyLength);
      record = dict.create(key, keyStart, keyLength, inline, head);
    } else {
      const oldExpiryMs = dict.expiry(ref);
      this.#disposeValue(ref);
      if (oldExpiryMs !== 0) this.expiries.removed();
      record = dict.replace(ref, inline, head, false);
    }
    if (large !== null) dict.setObject(record, this.#attachLarge(large));
    if (expiryMs !== 0) this.expiries.added(record, expiryMs);
    return record;
  }

  #stringChanged(ref: Ref, expiryMs: number): void {
    this.touch(ref);
    if (this.context.journal !== null) this.#describeString(ref, expiryMs, this.context.journal);
  }

  #describeString(ref: Ref, expiryMs: number, writer: MutationWriter): void {
    this.#begin(mutationKinds.putString, ref, writer);
    writer.number(expiryMs);
    writer.byte(this.stringForm(ref));
    writer.field(this.valueBytes, this.valueStart, this.valueLength);
  }

  /** Gives a string of any kind a buffer of its own with room for `length` bytes, old content kept. */
  #enlarge(ref: Ref, length: number): Ref {
    const dict = this.dict;
    const head = dict.typeAndFlags(ref);
    this.readString(ref);
    if ((head & hasObject) !== 0) {
      const large = this.arena.object(dict.object(ref)) as LargeString;
      this.arena.usedBytes += large.resize(length);
      return dict.replace(ref, 0, rawHead(head), false);
    }
    const buffer = allocateLarge(length);
    copyBytes(this.valueBytes, this.valueStart, buffer, 0, this.valueLength);
    const number = this.#attachLarge(buffer);
    const record = dict.replace(ref, 0, rawHead(head) | hasObject, false);
    dict.setObject(record, number);
    this.#moved(record);
    return record;
  }

  #attachLarge(bytes: Buffer): number {
    this.arena.usedBytes += bytes.length;
    return this.arena.attach(new LargeString(bytes));
  }

  #shapeExpiry(ref: Ref, expiryMs: number): Ref {
    const record = this.expiries.set(ref, expiryMs);
    if (record !== ref) this.#tellCollection(record);
    return record;
  }

  /** A record has a new ref: its collection and the expiries must know. */
  #moved(ref: Ref): void {
    if (this.dict.expiry(ref) !== 0) this.expiries.moved(ref);
    this.#tellCollection(ref);
  }

  #tellCollection(ref: Ref): void {
    const dict = this.dict;
    if ((dict.typeAndFlags(ref) & hasObject) === 0) return;
    const object = this.arena.object(dict.object(ref));
    if (object instanceof Collection) object.ref = ref;
  }

  #disposeValue(ref: Ref): void {
    const dict = this.dict;
    if ((dict.typeAndFlags(ref) & hasObject) === 0) return;
    const number = dict.object(ref);
    const object = this.arena.object(number);
    this.arena.detach(number);
    if (!(object instanceof Collection)) {
      this.arena.usedBytes -= (object as LargeString).bytes.length;
      return;
    }
    object.ref = 0;
    this.arena.usedBytes -= collectionBytes;
    if (object.size > releaseAtOnce || !object.release(releaseAtOnce * 2)) this.context.released.push(object);
  }

  #begin(kind: number, ref: Ref, writer: MutationWriter = this.context.journal!): void {
    const { dict, arena } = this;
    const start = dict.keyStart(ref);
    writer.begin(kind, this.index, dict.stamp(ref), arena.chunk(ref), start, dict.keyLength(ref));
  }

  #observe(ref: Ref): void {
    const { dict, arena, context } = this;
    if (context.observer === null) return;
    context.observer.changed(this, arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
  }

  #leave(ref: Ref): void {
    const { dict } = this;
    this.context.residency!.removed(this, this.arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
  }

  #reset(): void {
    this.arena = new Arena(this.context.firstChunkBytes ?? firstChunkBytes);
    this.dict = new Dict(this.arena, this.context.seed);
    if (this.context.tracksAccess) this.dict.trackAccess(true);
    this.expiries = new Expiries(this.dict, invalidExpiriesMax);
    this.expiringCollections = new ExpiringCollections();
    this.valueBytes = Buffer.alloc(0);
  }
}
