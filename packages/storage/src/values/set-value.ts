/**
 * A set of members. Integers only, and not too many: sorted in one block (`intset`); few and short: packed
 * in one block (`listpack`); all others lie in a table (`hashtable`). The way back does not exist,
 * except that a result of integers may become one (`packIntegers`).
 *
 * Looking (`table`) changes nothing; every change goes through the methods here, which journal it.
 *
 * Mutations, after the key:
 *
 *     addMembers     count u32, member x count
 *     removeMembers  count u32, member x count
 */
// @hot-path
import { emptyBytes, parseInteger } from '@holdfast/common';
import { Collection, valueTypes } from '../collection.js';
import type { Database } from '../database.js';
import { collectionKinds, type MutationReader, type MutationWriter } from '../mutation.js';
import { encodingLimits } from './encoding-limits.js';
import { FieldDict } from './field-dict.js';
import { EntryView, type FieldTable } from './field-table.js';
import { IntegerTable, integersMax } from './integer-table.js';
import { PackedFields } from './packed-fields.js';

const addMembers = collectionKinds(valueTypes.set);
const removeMembers = addMembers + 1;

/** A description is cut into records of about this size. */
const recordBytesMax = 64 * 1024;

const view = new EntryView();

export type SetEncoding = 'intset' | 'listpack' | 'hashtable';

export class SetValue extends Collection {
  #table: IntegerTable | PackedFields | FieldDict;

  constructor(database: Database, encoding: SetEncoding = 'intset') {
    super(database);
    this.#table = this.#tableOf(encoding);
  }

  /** An empty set that is about to get `count` members, of which the first is known. */
  static expecting(
    database: Database,
    count: number,
    member: Uint8Array,
    start: number,
    length: number,
  ): SetValue {
    const n = parseInteger(member, start, length);
    if (n === n && count <= encodingLimits.setIntsetEntries) return new SetValue(database);
    return new SetValue(database, count <= encodingLimits.setListpackEntries ? 'listpack' : 'hashtable');
  }

  get type(): number {
    return valueTypes.set;
  }

  get size(): number {
    return this.#table.size;
  }

  get encoding(): SetEncoding {
    if (this.#table instanceof FieldDict) return 'hashtable';
    return this.#table instanceof PackedFields ? 'listpack' : 'intset';
  }

  /** To look at. It may be another one after a change. */
  get table(): FieldTable {
    return this.#table;
  }

  /** `count` members are about to be added: too many of them make a table at once. */
  expect(count: number): void {
    const table = this.#table;
    if (count === 1 || table instanceof FieldDict) return;
    const { setListpackEntries, setIntsetEntries } = encodingLimits;
    if (count > (table instanceof PackedFields ? setListpackEntries : setIntsetEntries)) {
      this.#convert('hashtable');
    }
  }

  override takeEncoding(encoding: SetEncoding): void {
    const isPackable = encoding === 'listpack' && this.encoding === 'intset';
    if (isPackable || (encoding === 'hashtable' && this.encoding !== encoding)) this.#convert(encoding);
  }

  has(member: Uint8Array, start: number, length: number): boolean {
    return this.#table.find(member, start, length) !== 0;
  }

  /** Adds a member; whether it is new. */
  add(member: Uint8Array, start: number, length: number): boolean {
    const table = this.#table;
    if (table.find(member, start, length) !== 0) return false;
    if (table instanceof FieldDict) table.add(member, start, length, emptyBytes, 0, 0);
    else this.#addToSmall(table, member, start, length);
    this.changeOne(addMembers)?.field(member, start, length);
    return true;
  }

  /** Removes a member; whether it was there. `member` may lie in this set. */
  remove(member: Uint8Array, start: number, length: number): boolean {
    const entry = this.#table.find(member, start, length);
    if (entry === 0) return false;
    this.changeOne(removeMembers)?.field(member, start, length);
    this.#table.remove(entry);
    return true;
  }

  /** Makes it an intset, if all members are integers and they are not too many. */
  packIntegers(): void {
    const table = this.#table;
    if (table instanceof IntegerTable || table.size > encodingLimits.setIntsetEntries) return;
    const integers = new IntegerTable(this.arena);
    table.rewind();
    for (let entry = table.next(); entry !== 0; entry = table.next()) {
      table.read(entry, view);
      integers.find(view.bytes, view.start, view.length);
      if (!integers.canAdd) {
        integers.release(0);
        return;
      }
      integers.add();
    }
    table.release(table.size);
    this.#table = integers;
  }

  release(budget: number): boolean {
    return this.#table.release(budget);
  }

  apply(reader: MutationReader): void {
    const { bytes, kind } = reader;
    const count = reader.uint32();
    if (kind === addMembers) this.expect(count);
    for (let i = 0; i < count; i++) {
      reader.field();
      if (kind === addMembers) this.add(bytes, reader.fieldStart, reader.fieldLength);
      else this.remove(bytes, reader.fieldStart, reader.fieldLength);
    }
  }

  describe(writer: MutationWriter): void {
    const table = this.#table;
    table.rewind();
    let entry = table.next();
    while (entry !== 0) {
      this.begin(writer, addMembers);
      const countAt = writer.length;
      writer.uint32(0);
      let count = 0;
      for (; entry !== 0 && writer.length - countAt < recordBytesMax; entry = table.next()) {
        table.read(entry, view);
        writer.field(view.bytes, view.start, view.length);
        count++;
      }
      writer.bytes.writeUInt32LE(count, countAt);
    }
  }

  /** Adds a member that the table just missed, where it fits: the rules are those of Redis 7.2. */
  #addToSmall(table: IntegerTable | PackedFields, member: Uint8Array, start: number, length: number): void {
    const { setIntsetEntries, setListpackEntries, setListpackValue } = encodingLimits;
    if (table instanceof IntegerTable && table.canAdd) {
      if (table.size < integersMax) table.add();
      else this.#addTo(this.#convert('hashtable'), member, start, length);
      if (table.size > setIntsetEntries) this.#convert('hashtable');
      return;
    }
    const isPackable =
      table.size < setListpackEntries &&
      length <= setListpackValue &&
      (table instanceof IntegerTable || table.fits(length, 0));
    if (isPackable && table instanceof PackedFields) table.add(member, start, length, emptyBytes, 0, 0);
    else this.#addTo(this.#convert(isPackable ? 'listpack' : 'hashtable'), member, start, length);
  }

  #addTo(table: PackedFields | FieldDict, member: Uint8Array, start: number, length: number): void {
    table.find(member, start, length);
    table.add(member, start, length, emptyBytes, 0, 0);
  }

  #convert(encoding: 'listpack' | 'hashtable'): PackedFields | FieldDict {
    const table = this.#table;
    const converted = this.#tableOf(encoding) as PackedFields | FieldDict;
    table.rewind();
    for (let entry = table.next(); entry !== 0; entry = table.next()) {
      table.read(entry, view);
      this.#addTo(converted, view.bytes, view.start, view.length);
    }
    table.release(table.size);
    this.#table = converted;
    return converted;
  }

  #tableOf(encoding: SetEncoding): IntegerTable | PackedFields | FieldDict {
    if (encoding === 'intset') return new IntegerTable(this.arena);
    if (encoding === 'listpack') return new PackedFields(this.arena);
    return new FieldDict(this.arena, this.database.context.seed);
  }
}
