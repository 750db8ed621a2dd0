/**
 * The order of a small hash's fields, or a small set's members, is that in which they were added, and clients see it. Their
 * records on the disk lie by name, so the head says the order:
 *
 *     | how many come first, by name u16 | hash of the name u32 | hash u32 | ...     those that come behind them, one by one
 *
 * Fields that were added by rising names, and a single one, take two bytes. A head without it is of a collection that has no
 * such order, because it is large, or was written before orders were kept: its elements come by name.
 *
 * Of a collection that is in memory in part no element is removed, so what is added then comes behind all that the disk has.
 */
// @hot-path
import { byteStringOf, compareBytes } from '@holdfast/common';
import type { Collection } from '../collection.js';
import { hashBytes } from '../hash-bytes.js';
import type { PartialElements } from '../partial-elements.js';
import { type Entry, EntryView, type FieldTable } from '../values/field-table.js';
import { IntegerTable } from '../values/integer-table.js';
import { PackedFields } from '../values/packed-fields.js';

/** Of larger ones no order is kept, whatever the limits of encodings are: it is written with every change of the collection. */
const elementsMax = 512;
const countBytes = 2;
const hashLength = 4;

/** Of orders alone. It has to be the same in each life of a directory: who makes names collide has their order changed. */
const seed = 0;

const view = new EntryView();
const before = new EntryView();

/** Writes the orders of collections, one after another. */
export class ElementOrder {
  /** What `describe` wrote last is `bytes[0, length)`. */
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(countBytes + elementsMax * hashLength);
  length = 0;

  /** `table`: what a hash or set has its elements in. */
  describe({ partial }: Collection, table: FieldTable | null): void {
    this.length = 0;
    if (table === null || table.size > elementsMax) return;
    if (partial !== null) this.#extend(partial, table);
    else if (table instanceof PackedFields) this.#describeWhole(table);
  }

  #describeWhole(table: PackedFields): void {
    let first = 0;
    let at = countBytes;
    table.rewind();
    for (let entry = table.next(); entry !== 0; entry = table.next()) {
      table.read(entry, view);
      if (at === countBytes && (first === 0 || isBehind(before, view))) {
        first++;
        table.read(entry, before);
      } else at = this.#write(at, hashOf(view));
    }
    this.bytes.writeUInt16LE(first, 0);
    this.length = at;
  }

  /** Adds what came since the head was written to the order of a collection that is there in part, and keeps that there. */
  #extend(partial: PartialElements, table: FieldTable): void {
    const known = partial.order;
    if (known.length === 0) return;
    partial.order = noOrder;
    if (!(table instanceof PackedFields || table instanceof IntegerTable)) return;
    let at = known.length;
    this.bytes.set(known);
    table.rewind();
    for (let entry = table.next(); entry !== 0; entry = table.next()) {
      table.read(entry, view);
      const hash = hashOf(view);
      if (this.#has(at, hash) || !partial.absent.has(byteStringOf(view.bytes, view.start, view.length)))
        continue;
      if (at === this.bytes.length) return;
      at = this.#write(at, hash);
    }
    if (this.bytes.readUInt16LE(0) + (at - countBytes) / hashLength > elementsMax) return;
    partial.order = at === known.length ? known : Buffer.from(this.bytes.subarray(0, at));
    this.length = at;
  }

  #has(end: number, hash: number): boolean {
    for (let at = countBytes; at < end; at += hashLength) {
      if (this.bytes.readInt32LE(at) === hash) return true;
    }
    return false;
  }

  #write(at: number, hash: number): number {
    this.bytes.writeInt32LE(hash, at);
    return at + hashLength;
  }

  /** Puts the elements of a collection, which are all there, in their order: that which its head has, and what came since. */
  arrange(collection: Collection, table: FieldTable | null, order: Uint8Array): void {
    if (!(table instanceof PackedFields)) return;
    const { partial } = collection;
    if (partial !== null) this.#extend(partial, table);
    const ranks = ranksOf(partial?.order ?? order);
    if (ranks === null) return;
    const entries: { entry: Entry; rank: number; name: Uint8Array }[] = [];
    table.rewind();
    for (let entry = table.next(); entry !== 0; entry = table.next()) {
      table.read(entry, view);
      const name = view.bytes.subarray(view.start, view.start + view.length);
      entries.push({ entry, rank: ranks.get(hashOf(view)) ?? -1, name });
    }
    entries.sort((a, b) => a.rank - b.rank || Buffer.compare(a.name, b.name));
    table.reorder(entries.map(({ entry }) => entry));
  }
}

/** Of a collection whose elements have none that is kept. */
export const noOrder: Uint8Array = new Uint8Array(0);

/** Records of all elements of a collection, which come by name, in its order: `order` is what its head says. */
export function inOrder<R extends { readonly element: Uint8Array }>(
  records: readonly R[],
  order: Uint8Array,
): readonly R[] {
  const ranks = ranksOf(order);
  if (ranks === null) return records;
  const rankOf = ({ element }: R): number => ranks.get(hashBytes(element, 0, element.length, seed)) ?? -1;
  return records
    .map((record) => ({ record, rank: rankOf(record) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ record }) => record);
}

/** By the hash of a name: its place behind those that come first, by name. Null when all come by name. */
function ranksOf(order: Uint8Array): Map<number, number> | null {
  if (order.length <= countBytes) return null;
  const ranks = new Map<number, number>();
  const numbers = new DataView(order.buffer, order.byteOffset, order.length);
  for (let at = countBytes; at + hashLength <= order.length; at += hashLength) {
    ranks.set(numbers.getInt32(at, true), ranks.size);
  }
  return ranks;
}

function hashOf({ bytes, start, length }: EntryView): number {
  return hashBytes(bytes, start, length, seed);
}

/** Whether `b` comes behind `a` by name. */
function isBehind(a: EntryView, b: EntryView): boolean {
  return compareBytes(a.bytes, a.start, a.length, b.bytes, b.start, b.length) < 0;
}
