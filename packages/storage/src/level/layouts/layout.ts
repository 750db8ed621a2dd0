/**
 * How a type of collection lies on the disk: as element records of its own, so that a write to one field
 * of a large hash writes one record, or as a whole in its head.
 *
 * Element records come from the mutations, one by one as they are staged (`stage`), or from what the
 * collection remembers of its changes when the write set is frozen (`freeze`). A collection whose changes
 * can't be told either way is renewed: written out under a new incarnation. Loading goes the other way:
 * from elements to the mutations that add them.
 */
import type { Collection } from '../../collection.js';
import type { Database } from '../../database.js';
import type { MutationReader, MutationWriter } from '../../mutation.js';
import type { FieldTable } from '../../values/field-table.js';
import type { ElementSink } from './element-sink.js';

export interface Layout {
  /** Whether it has element records; otherwise its description is in the head. */
  readonly hasElements: boolean;
  /**
   * Reads the fields of a mutation and stages what it changed; without a sink it only reads. False when the
   * mutation does not say which elements changed: the collection has to be renewed.
   */
  stage(reader: MutationReader, database: Database, sink: ElementSink | null): boolean;
  /** Whether the collection must be renewed: its earlier changes are not known. Asked before `freeze`. */
  needsRenewal(collection: Collection): boolean;
  /** How many bytes a renewal writes that is known to come when the write set is frozen, before it does; otherwise 0. */
  renewalBytes(collection: Collection): number;
  /**
   * The write set is being frozen: stages what changed since the last time, if `stage` did not. `isNew`: the
   * incarnation was born in this set; `isRenewed`: and nothing of it was staged.
   */
  freeze(collection: Collection, isNew: boolean, isRenewed: boolean, sink: ElementSink): void;
  /** Stages an element as it is in memory: what `stage` had restated. */
  freezeElement(collection: Collection, element: Uint8Array, sink: ElementSink): void;
  /**
   * Whether a collection may be in memory in part (`PartialElements`): adding an element, and changing one that is there,
   * then needs none of the others. `holds` is asked of such collections only.
   */
  readonly isDivisible: boolean;
  /** Whether an element is there. */
  holds(collection: Collection, bytes: Uint8Array, start: number, length: number): boolean;
  /** What it has its elements in, if these stay in the order in which they were added while they are few; otherwise null. */
  table(collection: Collection): FieldTable | null;
  /** Whether any element is to expire by itself. */
  expires(collection: Collection): boolean;
  /** Writes the mutations that add one element to a collection. */
  describe(element: Uint8Array, value: Uint8Array, output: MutationOutput): void;
}

/** Where mutations of one key go: whoever starts one writes its fields next. */
export interface MutationOutput {
  begin(kind: number): MutationWriter;
  /** For a mutation that is to come after all elements. */
  beginLate(kind: number): MutationWriter;
}
