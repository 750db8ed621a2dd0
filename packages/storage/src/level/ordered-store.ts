/**
 * What LevelStorage asks of the disk: an ordered map from bytes to bytes. `ClassicStore` is LevelDB; the
 * tests bring one that runs on a seed, loses what was not synced, and fails on command.
 *
 * Keys and values that are passed in may be used again when the call returns; what is handed out belongs
 * to the receiver. Failures are KvErrors: DISK, CORRUPT, LOCKED, CLOSED.
 */

export interface OrderedBatch {
  put(key: Uint8Array, value: Uint8Array): void;
  /**
   * As `put`, of a key and a value that lie one behind the other from word `at` of shared memory on. They are not copied: they
   * must stay as they are until `write` has ended.
   */
  putRecord(words: Int32Array, at: number, keyLength: number, valueLength: number): void;
  delete(key: Uint8Array): void;
  /** Writes all of it or nothing; on the disk when it resolves. */
  write(): Promise<void>;
  /** Forgets it: `write` is not called. */
  discard(): Promise<void>;
}

/** Keys with `from` <= key < `to`. */
export interface KeyRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** Entries in the order of their keys, as they were when the range was opened, or when the store was opened anew since. */
export interface OrderedRange {
  /** The next entries, at most `count`, and fewer where they are large: that there are no more is said by none at all. */
  next(count: number): Promise<[key: Uint8Array, value: Uint8Array][]>;
  close(): Promise<void>;
}

export interface OrderedStore {
  /**
   * A value at once, or null when the caller had better not wait for it: then it is for `getMany`, which also says what is
   * wrong.
   */
  getNow(key: Uint8Array): Uint8Array | undefined | null;
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** Entries with `from` <= key < `to`. Must be closed. */
  range(from: Uint8Array, to: Uint8Array): OrderedRange;
  batch(): OrderedBatch;
  /** Removes the entries of some ranges: not at once, and on the disk when it resolves. */
  clear(ranges: readonly KeyRange[]): Promise<void>;
  /** What a range takes on the disk, in bytes, about: what was removed or replaced there, and is not given back yet, as well. */
  takenBy(range: KeyRange): Promise<number>;
  /** Gives back what was removed or replaced in a range. Takes as long as reading all that is there, and writing what stays. */
  compact(range: KeyRange): Promise<void>;
  /**
   * After a failed `write` or `clear`, until which no other succeeds: opens the store anew, so that nothing is built upon a
   * file whose end is in doubt. Calls that come meanwhile wait.
   */
  reopen(): Promise<void>;
  close(): Promise<void>;
}
