/**
 * A hash: fields with values, each of which may expire by itself. Small ones are packed in one block
 * (`listpack`, `listpackex` once a field expires), others lie in a table; the way back does not exist.
 *
 * Looking (`table`) changes nothing; every change goes through the methods here, which journal it. It does not
 * ask for the time: fields that expired are there until `removeExpired`, which the engine calls before
 * a command sees the hash.
 *
 * Mutations, after the key:
 *
 *     putFields       count u32, (field, value) x count     such a field does not expire
 *     removeFields    count u32, field x count
 *     setFieldExpiry  expiry f64 (0: none), field
 */
// @hot-path
import { Collection, valueTypes } from '../collection.js';
import type { Database } from '../database.js';
import type { ExpiringCollection } from '../expiring-collections.js';
import { collectionKinds, type MutationReader, type MutationWriter } from '../mutation.js';
import { encodingLimits } from './encoding-limits.js';
import { FieldDict } from './field-dict.js';
import { type Entry, EntryView } from './field-table.js';
import { PackedFields } from './packed-fields.js';

const putFields = collectionKinds(valueTypes.hash);
const removeFields = putFields + 1;
const setFieldExpiry = putFields + 2;

/** A description is cut into records of about this size. */
const recordBytesMax = 64 * 1024;

const view = new EntryView();

export class HashValue extends Collection implements ExpiringCollection {
  expiryPlace = -1;
  #table: PackedFields | FieldDict;

  constructor(database: Database) {
    super(database);
    this.#table = new PackedFields(this.arena);
  }

  get type(): number {
    return valueTypes.hash;
  }

  get size(): number {
    return this.#table.size;
  }

  get encoding(): string {
    if (this.#table instanceof FieldDict) return 'hashtable';
    return this.#table.hasExpiries ? 'listpackex' : 'listpack';
  }

  /** To look at. It may be another one after a change. */
  get table(): PackedFields | FieldDict {
    return this.#table;
  }

  /** `count` fields are about to be set: too many of them make a table at once. */
  expect(count: number): void {
    if (count > encodingLimits.hashListpackEntries) this.#unpack();
  }

  override takeEncoding(encoding: string): void {
    if (encoding === 'hashtable') this.#unpack();
  }

  /** Sets a field, which then does not expire. Returns whether it is new. */
  set(
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): boolean {
    const entry = this.#table.find(field, fieldStart, fieldLength);
    if (entry === 0) {
      this.add(field, fieldStart, fieldLength, value, valueStart, valueLength);
      return true;
    }
    if (this.#table.expiry(entry) !== 0) {
      const moved = this.#table.setExpiry(entry, 0);
      this.#setValue(moved, field, fieldStart, fieldLength, value, valueStart, valueLength);
    } else {
      this.#setValue(entry, field, fieldStart, fieldLength, value, valueStart, valueLength);
    }
    this.#journalPut(field, fieldStart, fieldLength, value, valueStart, valueLength);
    return false;
  }

  /** Adds a field that `table.find` just missed. */
  add(
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): void {
    const table = this.#table;
    if (
      table instanceof PackedFields &&
      (table.size >= encodingLimits.hashListpackEntries || !isPackable(table, fieldLength, valueLength))
    ) {
      this.#unpack().find(field, fieldStart, fieldLength);
    }
    this.#table.add(field, fieldStart, fieldLength, value, valueStart, valueLength);
    this.#journalPut(field, fieldStart, fieldLength, value, valueStart, valueLength);
  }

  /** Gives a field that `table.find` just found as `entry` another value; it expires as before. */
  update(
    entry: Entry,
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): void {
    const expiryMs = this.#table.expiry(entry);
    this.#setValue(entry, field, fieldStart, fieldLength, value, valueStart, valueLength);
    this.#journalPut(field, fieldStart, fieldLength, value, valueStart, valueLength);
    if (expiryMs !== 0) this.#journalExpiry(expiryMs, field, fieldStart, fieldLength);
  }

  /** Removes a field; whether it was there. */
  remove(field: Uint8Array, start: number, length: number): boolean {
    const entry = this.#table.find(field, start, length);
    if (entry === 0) return false;
    this.#journalRemoval(field, start, length);
    this.#table.remove(entry);
    return true;
  }

  /** Sets when the field expires that `table.find` just found as `entry`, or with 0 that it does not. */
  setExpiry(entry: Entry, field: Uint8Array, start: number, length: number, expiryMs: number): void {
    this.#table.setExpiry(entry, expiryMs);
    if (expiryMs !== 0) this.database.expiringCollections.lower(this, expiryMs);
    this.#journalExpiry(expiryMs, field, start, length);
  }

  get earliestExpiryMs(): number {
    return this.#table.earliestExpiryMs;
  }

  hasExpired(nowMs: number): boolean {
    return this.#table instanceof FieldDict && this.#table.hasExpired(nowMs);
  }

  removeExpired(nowMs: number, budget: number): number {
    const table = this.#table;
    let removed = 0;
    while (removed < budget) {
      const entry = table.nextExpired(nowMs);
      if (entry === 0) break;
      table.read(entry, view);
      this.#journalRemoval(view.bytes, view.start, view.length);
      table.remove(entry);
      removed++;
    }
    this.database.expiringCollections.settle(this);
    return removed;
  }

  release(budget: number): boolean {
    this.database.expiringCollections.remove(this);
    return this.#table.release(budget);
  }

  apply(reader: MutationReader): void {
    const { bytes } = reader;
    if (reader.kind === setFieldExpiry) {
      const expiryMs = reader.number();
      reader.field();
      const entry = this.#table.find(bytes, reader.fieldStart, reader.fieldLength);
      if (entry !== 0) this.setExpiry(entry, bytes, reader.fieldStart, reader.fieldLength, expiryMs);
      return;
    }
    const count = reader.uint32();
    if (reader.kind === putFields) this.expect(count);
    for (let i = 0; i < count; i++) {
      reader.field();
      const { fieldStart, fieldLength } = reader;
      if (reader.kind === removeFields) {
        this.remove(bytes, fieldStart, fieldLength);
        continue;
      }
      reader.field();
      this.set(bytes, fieldStart, fieldLength, bytes, reader.fieldStart, reader.fieldLength);
    }
  }

  describe(writer: MutationWriter): void {
    const table = this.#table;
    table.rewind();
    let entry = table.next();
    while (entry !== 0) {
      this.begin(writer, putFields);
      const countAt = writer.length;
      writer.uint32(0);
      let count = 0;
      for (; entry !== 0 && writer.length - countAt < recordBytesMax; entry = table.next()) {
        table.read(entry, view);
        writer.field(view.bytes, view.start, view.length);
        writer.field(view.valueBytes, view.valueStart, view.valueLength);
        count++;
      }
      writer.bytes.writeUInt32LE(count, countAt);
    }
    this.#describeExpiries(writer);
  }

  #describeExpiries(writer: MutationWriter): void {
    const table = this.#table;
    if (table.earliestExpiryMs === Number.POSITIVE_INFINITY) return;
    table.rewind();
    for (let entry = table.next(); entry !== 0; entry = table.next()) {
      const expiryMs = table.expiry(entry);
      if (expiryMs === 0) continue;
      table.read(entry, view);
      this.begin(writer, setFieldExpiry);
      writer.number(expiryMs);
      writer.field(view.bytes, view.start, view.length);
    }
  }

  #setValue(
    entry: Entry,
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): void {
    const table = this.#table;
    if (table instanceof PackedFields && !isPackable(table, fieldLength, valueLength)) {
      const dict = this.#unpack();
      dict.setValue(dict.find(field, fieldStart, fieldLength), value, valueStart, valueLength);
      return;
    }
    table.setValue(entry, value, valueStart, valueLength);
  }

  /** Moves all fields into a table that has no limits; returns it. */
  #unpack(): FieldDict {
    const table = this.#table;
    if (table instanceof FieldDict) return table;
    const dict = new FieldDict(this.arena, this.database.context.seed);
    table.rewind();
    for (let entry = table.next(); entry !== 0; entry = table.next()) {
      table.read(entry, view);
      const { bytes, start, length } = view;
      dict.find(bytes, start, length);
      const added = dict.add(bytes, start, length, view.valueBytes, view.valueStart, view.valueLength);
      const expiryMs = table.expiry(entry);
      if (expiryMs !== 0) dict.setExpiry(added, expiryMs);
    }
    table.release(table.size);
    this.#table = dict;
    return dict;
  }

  #journalPut(
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): void {
    const journal = this.changeOne(putFields);
    if (journal === null) return;
    journal.field(field, fieldStart, fieldLength);
    journal.field(value, valueStart, valueLength);
  }

  #journalRemoval(field: Uint8Array, start: number, length: number): void {
    this.changeOne(removeFields)?.field(field, start, length);
  }

  #journalExpiry(expiryMs: number, field: Uint8Array, start: number, length: number): void {
    const journal = this.change(setFieldExpiry);
    if (journal === null) return;
    journal.number(expiryMs);
    journal.field(field, start, length);
  }
}

function isPackable(table: PackedFields, fieldLength: number, valueLength: number): boolean {
  const longest = encodingLimits.hashListpackValue;
  return fieldLength <= longest && valueLength <= longest && table.fits(fieldLength, valueLength);
}
