/** What is read from the disk together, and who it is kept for. */
import type { Timers } from '@holdfast/common';
import type { Collection } from '../collection.js';
import type { Keyspace } from './keyspace.js';

export class Load {
  /** Resolves when it is there, or was found not to exist, or takes a load of its own: then that one is to be asked for. */
  readonly done: Promise<void>;
  resolve!: () => void;
  reject!: (error: unknown) => void;
  /** For each record: its key in the database, where that is, what it is called on the disk. */
  readonly names: string[] = [];
  readonly keyspaces: Keyspace[] = [];
  readonly records: Buffer[] = [];
  /** The collection that a record is an element of; null for heads. */
  readonly collections: (Collection | null)[] = [];
  /** Keys of which nobody who asked needs all elements, by keyspace. */
  readonly #divisible = new Map<Keyspace, Set<string>>();
  readonly pinned: { readonly keyspace: Keyspace; readonly name: string }[] = [];

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Who asked has it too.
    this.done.catch(() => {});
  }

  add(keyspace: Keyspace, name: string, record: Buffer, collection: Collection | null): void {
    this.names.push(name);
    this.keyspaces.push(keyspace);
    this.records.push(record);
    this.collections.push(collection);
  }

  /** Whether all elements of a key are needed, by whoever asked last. */
  asked(keyspace: Keyspace, name: string, needsAll: boolean): void {
    let names = this.#divisible.get(keyspace);
    if (names === undefined) this.#divisible.set(keyspace, (names = new Set()));
    if (needsAll) names.delete(name);
    else names.add(name);
  }

  isDivisible(keyspace: Keyspace, name: string): boolean {
    return this.#divisible.get(keyspace)?.has(name) === true;
  }

  pin(keyspace: Keyspace, name: string): void {
    keyspace.pin(name);
    this.pinned.push({ keyspace, name });
  }

  /** It is over. Who waited goes on before the next turn. */
  unpinLater(timers: Timers): void {
    timers.setImmediate(() => {
      for (const { keyspace, name } of this.pinned) keyspace.unpin(name);
    });
  }
}
