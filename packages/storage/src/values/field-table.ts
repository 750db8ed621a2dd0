/**
 * What holds the elements of a hash or a set: fields, each with a value (empty in a set). Small
 * collections use one block of the arena (`PackedFields`, `IntegerTable`), large ones a hash table
 * (`FieldDict`); whoever works with a collection does not care.
 *
 * An entry is a number by which a table names one of its fields. It is valid until the table changes.
 * `add`, `setValue` and `remove` act on what the last `find` found, or missed; nothing else may have been
 * looked up in between.
 */

export type Entry = number;

/** Where the field and the value of an entry lie: views, valid until the table they come from changes. */
export class EntryView {
  bytes: Uint8Array = noBytes;
  start = 0;
  length = 0;
  valueBytes: Uint8Array = noBytes;
  valueStart = 0;
  valueLength = 0;
  /** Room for the digits of a number that is not kept as text. */
  readonly digits: Buffer = Buffer.allocUnsafeSlow(24);
}

const noBytes = new Uint8Array(0);

export interface FieldTable {
  /** Number of entries. */
  readonly size: number;
  /** The entry of a field, 0 when there is none. */
  find(bytes: Uint8Array, start: number, length: number): Entry;
  /** Adds the field that `find` just missed. Field and value are copied. */
  add(
    bytes: Uint8Array,
    start: number,
    length: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): Entry;
  /** Removes the entry that `find` just returned. */
  remove(entry: Entry): void;
  /** Points a view at an entry. */
  read(entry: Entry, view: EntryView): void;
  /** Starts a walk over all entries: `next` gives one after another, then 0. The table must not change meanwhile. */
  rewind(): void;
  next(): Entry;
  /**
   * Appends about `count` entries from `cursor` (0 at first) to `into` and returns the next cursor, 0 at the
   * end. A field that is there during a whole scan is always among them. Small tables give all at once.
   */
  scan(cursor: number, count: number, into: Entry[]): number;
  /** A uniformly random entry; `random` gives uniform 32-bit integers. The table must not be empty. */
  random(random: () => number): Entry;
  /** Gives memory back, about `budget` entries at a time; true when nothing is left. The table is of no use after. */
  release(budget: number): boolean;
}
