/**
 * What every collection value (list, set, sorted set, hash, stream) has in common: it lives in a
 * database under one key, keeps its elements in that database's arena, and reports each change as a
 * mutation, by itself: whoever changes a collection through its methods can't forget to.
 */
// @hot-path
import type { Arena } from './arena.js';
import type { Database } from './database.js';
import type { MutationReader, MutationWriter } from './mutation.js';
import type { PartialElements } from './partial-elements.js';

export const valueTypes = { none: 0, string: 1, list: 2, set: 3, zset: 4, hash: 5, stream: 6 } as const;

export const valueTypeNames: readonly string[] = ['none', 'string', 'list', 'set', 'zset', 'hash', 'stream'];

export abstract class Collection {
  readonly database: Database;
  readonly arena: Arena;
  /** The record of its key; kept right by the database. 0 while it is not attached to a key. */
  ref = 0;
  /** Null when all its elements are here, as they are wherever a disk does not have the others. */
  partial: PartialElements | null = null;

  constructor(database: Database) {
    this.database = database;
    this.arena = database.arena;
  }

  /** One of `valueTypes`. */
  abstract readonly type: number;
  /** Number of elements. A collection without elements is removed by whoever emptied it. */
  abstract readonly size: number;
  /** The encoding that OBJECT ENCODING reports. */
  abstract readonly encoding: string;

  /** A copy takes the encoding of the original, which that came to when it had more elements and has kept since. */
  takeEncoding(_encoding: string): void {}

  /**
   * Gives memory back to the arena, about `budget` elements at a time; true when nothing is left.
   * The collection is not attached to a key any more.
   */
  abstract release(budget: number): boolean;

  /** Applies the fields of one record of this type's kinds. Reads all fields of the record. */
  abstract apply(reader: MutationReader): void;

  /** Writes records that build this collection again, for the key it is attached to. */
  abstract describe(writer: MutationWriter): void;

  /**
   * To be called by every change, before or after it was made: stamps the key with the version of the
   * write, tells observers, and starts a record of `kind` when changes are journaled. The caller then
   * writes the fields of the kind, if it got a writer.
   */
  protected change(kind: number): MutationWriter | null {
    if (this.ref === 0) return null;
    this.database.touch(this.ref);
    return this.#record(kind);
  }

  /**
   * As `change`, of one element: `kind` has a count and as many elements. It is added to the record before, if that is the
   * same command's about the same collection. The caller writes the element alone.
   */
  protected changeOne(kind: number): MutationWriter | null {
    if (this.ref === 0) return null;
    const { database, ref } = this;
    database.touch(ref);
    const { journal } = database;
    if (journal === null) return null;
    const version = database.dict.stamp(ref);
    if (!journal.countOneMore(this, kind, version)) {
      this.begin(journal, kind);
      journal.beginCount(this, kind, version);
    }
    return journal;
  }

  /**
   * As `change`, for books that are kept beside the elements (a stream's groups, its counts): those who watch the key,
   * keep it or wait for it are not told, as in Redis.
   */
  protected note(kind: number): MutationWriter | null {
    if (this.ref === 0) return null;
    this.database.stamp(this.ref);
    return this.#record(kind);
  }

  #record(kind: number): MutationWriter | null {
    const { journal } = this.database;
    if (journal !== null) this.begin(journal, kind);
    return journal;
  }

  /** Starts a record of `kind` for this collection's key, with its present version. */
  protected begin(writer: MutationWriter, kind: number): void {
    const { dict, index } = this.database;
    const ref = this.ref;
    writer.begin(
      kind,
      index,
      dict.stamp(ref),
      this.arena.chunk(ref),
      dict.keyStart(ref),
      dict.keyLength(ref),
    );
  }
}
