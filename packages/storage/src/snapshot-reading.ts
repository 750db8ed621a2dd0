/**
 * Describes the keys of a snapshot, some at a time: as many as a batch is to have, or one that has more by itself.
 *
 *     page   | key key key | key ................. | key key key |
 *     batch  [             ]                                          full: the keys of the page that are left are
 *            [              key .................. ]                  looked for again by name, since writes come between
 */
import type { Ref } from './arena.js';
import type { Database } from './database.js';
import { MutationWriter } from './mutation.js';

export class SnapshotReading {
  readonly #batchBytes: number;
  /** An older state of the keys may have been described before. */
  readonly #isAgain: boolean;
  readonly #writer: MutationWriter;
  /** Names of keys that were to be described, and are still to be; the next one is the last. */
  #left: Buffer[] = [];

  constructor(batchBytes: number, isAgain: boolean) {
    this.#batchBytes = batchBytes;
    this.#isAgain = isAgain;
    this.#writer = new MutationWriter(batchBytes * 2);
  }

  get isEmpty(): boolean {
    return this.#writer.length === 0;
  }

  /** There is enough for a batch: it is to be taken before anything else. */
  get isFull(): boolean {
    return this.#writer.length >= this.#batchBytes;
  }

  /** What was described, as a batch of its own. */
  take(): Uint8Array {
    return this.#writer.take();
  }

  /** Describes keys of a database, until it is full: `describeLeft` goes on. */
  describe(database: Database, refs: readonly Ref[]): void {
    let described = 0;
    while (described < refs.length && !this.isFull) this.#describe(database, refs[described++]);
    const { arena, dict } = database;
    for (let i = refs.length - 1; i >= described; i--) {
      const start = dict.keyStart(refs[i]);
      this.#left.push(Buffer.from(arena.chunk(refs[i]).subarray(start, start + dict.keyLength(refs[i]))));
    }
  }

  /** Goes on with the keys that were left, of the same database. One that is gone needs no description. */
  describeLeft(database: Database): void {
    while (this.#left.length > 0 && !this.isFull) {
      const key = this.#left.pop()!;
      const ref = database.find(key, 0, key.length);
      if (ref !== 0) this.#describe(database, ref);
    }
  }

  /** Describes a key that got its name meanwhile, if it is there. */
  describeRenamed(database: Database, key: Uint8Array): void {
    const ref = database.find(key, 0, key.length);
    if (ref !== 0) this.#describe(database, ref, true);
  }

  #describe(database: Database, ref: Ref, isAgain: boolean = this.#isAgain): void {
    // Of what is here in part only the disk can tell.
    if (database.partialCollection(ref) !== null) return;
    if (isAgain) database.describeAgain(ref, this.#writer);
    else database.describe(ref, this.#writer);
  }
}
