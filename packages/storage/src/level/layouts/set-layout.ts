/** A set: a record without content for each member. */
// @hot-path
import { type Collection, valueTypes } from '../../collection.js';
import type { Database } from '../../database.js';
import { collectionKinds, type MutationReader } from '../../mutation.js';
import type { FieldTable } from '../../values/field-table.js';
import type { SetValue } from '../../values/set-value.js';
import type { ElementSink } from './element-sink.js';
import type { Layout, MutationOutput } from './layout.js';

/** The kinds and their fields are declared in `values/set-value.ts`. */
const addMembers = collectionKinds(valueTypes.set);

export class SetLayout implements Layout {
  readonly hasElements = true;
  readonly isDivisible = true;

  stage(reader: MutationReader, _database: Database, sink: ElementSink | null): boolean {
    const isAdded = reader.kind === addMembers;
    for (let left = reader.uint32(); left > 0; left--) {
      reader.field();
      if (sink === null) continue;
      if (isAdded) sink.put(reader.bytes, reader.fieldStart, reader.fieldLength, 0);
      else sink.delete(reader.bytes, reader.fieldStart, reader.fieldLength);
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

  freezeElement(): void {}

  holds(collection: Collection, bytes: Uint8Array, start: number, length: number): boolean {
    return (collection as SetValue).has(bytes, start, length);
  }

  table(collection: Collection): FieldTable {
    return (collection as SetValue).table;
  }

  expires(): boolean {
    return false;
  }

  describe(element: Uint8Array, _value: Uint8Array, output: MutationOutput): void {
    const writer = output.begin(addMembers);
    writer.uint32(1);
    writer.field(element, 0, element.length);
  }
}
