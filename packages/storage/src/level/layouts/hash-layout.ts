/**
 * A hash: for each field
 *
 *     | expiry f64 (0: none) | value |
 *
 * A mutation that sets a field's expiry does not carry its value: the field is read from memory when the
 * set is frozen.
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import { type Collection, valueTypes } from '../../collection.js';
import type { Database } from '../../database.js';
import { collectionKinds, type MutationReader } from '../../mutation.js';
import { EntryView, type FieldTable } from '../../values/field-table.js';
import type { HashValue } from '../../values/hash-value.js';
import { readDouble, writeDouble } from '../disk-records.js';
import type { ElementSink } from './element-sink.js';
import type { Layout, MutationOutput } from './layout.js';

/** The kinds and their fields are declared in `values/hash-value.ts`. */
const putFields = collectionKinds(valueTypes.hash);
const removeFields = putFields + 1;
const setFieldExpiry = putFields + 2;

const view = new EntryView();

export class HashLayout implements Layout {
  readonly hasElements = true;
  readonly isDivisible = true;

  stage(reader: MutationReader, _database: Database, sink: ElementSink | null): boolean {
    const { kind, bytes } = reader;
    if (kind === setFieldExpiry) {
      reader.number();
      reader.field();
      sink?.restate(bytes, reader.fieldStart, reader.fieldLength);
      return true;
    }
    for (let left = reader.uint32(); left > 0; left--) {
      reader.field();
      const { fieldStart, fieldLength } = reader;
      if (kind === removeFields) {
        sink?.delete(bytes, fieldStart, fieldLength);
        continue;
      }
      reader.field();
      if (sink === null) continue;
      putField(sink, bytes, fieldStart, fieldLength, 0, bytes, reader.fieldStart, reader.fieldLength);
    }
    return true;
  }

  needsRenewal(): boolean {
    return false;
  }

  renewalBytes(): number {
    return 0;
  }

  freeze(): void {}

  freezeElement(collection: Collection, element: Uint8Array, sink: ElementSink): void {
    const { table } = collection as HashValue;
    const entry = table.find(element, 0, element.length);
    if (entry === 0) {
      sink.delete(element, 0, element.length);
      return;
    }
    table.read(entry, view);
    const { valueBytes, valueStart, valueLength } = view;
    putField(sink, element, 0, element.length, table.expiry(entry), valueBytes, valueStart, valueLength);
  }

  holds(collection: Collection, bytes: Uint8Array, start: number, length: number): boolean {
    return (collection as HashValue).table.find(bytes, start, length) !== 0;
  }

  table(collection: Collection): FieldTable {
    return (collection as HashValue).table;
  }

  expires(collection: Collection): boolean {
    return (collection as HashValue).earliestExpiryMs !== Number.POSITIVE_INFINITY;
  }

  describe(element: Uint8Array, value: Uint8Array, output: MutationOutput): void {
    const writer = output.begin(putFields);
    writer.uint32(1);
    writer.field(element, 0, element.length);
    writer.field(value, 8, value.length - 8);
    const expiryMs = readDouble(value, 0);
    if (expiryMs === 0) return;
    // A field must not expire before its hash has a key.
    const late = output.beginLate(setFieldExpiry);
    late.number(expiryMs);
    late.field(element, 0, element.length);
  }
}

function putField(
  sink: ElementSink,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  expiryMs: number,
  value: Uint8Array,
  valueStart: number,
  valueLength: number,
): void {
  sink.put(field, fieldStart, fieldLength, 8 + valueLength);
  const at = writeDouble(sink.set.bytes, sink.set.at, expiryMs);
  copyBytes(value, valueStart, sink.set.bytes, at, valueLength);
}
