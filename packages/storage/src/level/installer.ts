/**
 * Puts what the disk has of a key into memory, as if it had always been there: no change, no version, nobody is told. Between
 * turns, or before a command that needs it runs.
 */
import { type Collection, valueTypes } from '../collection.js';
import type { MemoryStorage } from '../memory-storage.js';
import { PartialElements } from '../partial-elements.js';
import { createCollection } from '../values/create.js';
import { addTo } from './additions.js';
import type { Head } from './disk-records.js';
import type { Keyspace } from './keyspace.js';
import type { Keyspaces } from './keyspaces.js';
import type { Layout } from './layouts/index.js';

export interface InstallerOptions {
  readonly memory: MemoryStorage;
  readonly keyspaces: Keyspaces;
  readonly layouts: readonly Layout[];
}

export class Installer {
  readonly #options: InstallerOptions;

  constructor(options: InstallerOptions) {
    this.#options = options;
  }

  /**
   * What a head says by itself: a string that is not large, a small collection, and a large one without its elements if
   * `mayBePart`. False when those have to be loaded first.
   */
  place(keyspace: Keyspace, key: Uint8Array, head: Head, mayBePart: boolean): boolean {
    return !this.#isStillMissed(keyspace, key) || this.placeMissed(keyspace, key, head, mayBePart);
  }

  /** As `place`, of a key that the database was just asked for, in vain. */
  placeMissed(keyspace: Keyspace, key: Uint8Array, head: Head, mayBePart: boolean): boolean {
    if (head.type === valueTypes.string && head.incarnation === 0) this.#install(keyspace, key, head, null);
    else if (head.isWhole) this.#installWhole(keyspace, key, head);
    else if (mayBePart && this.#isDivisible(head)) this.#installPart(keyspace, key, head);
    else return false;
    return true;
  }

  /** Whether a key whose elements have records of their own may be there without them. */
  #isDivisible({ type, hasExpiringElements }: Head): boolean {
    // Of which it may be that all have expired, and with them the key.
    return this.#options.layouts[type].isDivisible && !hasExpiringElements;
  }

  /** None of its elements yet. */
  #installPart(keyspace: Keyspace, key: Uint8Array, head: Head): void {
    const collection = createCollection(head.type, keyspace.database);
    collection.partial = new PartialElements(head.incarnation, head.content);
    takeOrder(collection, head);
    this.#install(keyspace, key, head, collection);
    keyspace.addPartial(collection);
  }

  #installWhole(keyspace: Keyspace, key: Uint8Array, head: Head): void {
    const collection = createCollection(head.type, keyspace.database);
    addTo(collection, head.content);
    this.#install(keyspace, key, head, collection);
  }

  /** A collection that was filled meanwhile; false when it is too late for that. */
  install(keyspace: Keyspace, key: Uint8Array, head: Head, collection: Collection): boolean {
    if (this.#isStillMissed(keyspace, key)) {
      this.#install(keyspace, key, head, collection);
      return true;
    }
    this.#options.memory.context.released.push(collection);
    return false;
  }

  /** A large string that was put together meanwhile, unless it is too late for that. It is given away. */
  installString(keyspace: Keyspace, key: Uint8Array, head: Head, bytes: Buffer): void {
    if (this.#isStillMissed(keyspace, key)) this.#install(keyspace, key, head, null, bytes);
  }

  /** Asks the database for the key; false when it came meanwhile, is known to be absent, or a flush has ended its keyspace. */
  #isStillMissed(keyspace: Keyspace, key: Uint8Array): boolean {
    return this.#options.keyspaces.isLive(keyspace) && !keyspace.isFound(key, 0, key.length);
  }

  /**
   * A string, which has no `collection`, or a collection as it is, for a key that the database was just asked for, in vain.
   * `bytes`: of a large string.
   */
  #install(
    keyspace: Keyspace,
    key: Uint8Array,
    head: Head,
    collection: Collection | null,
    bytes: Buffer | null = null,
  ): void {
    const { database } = keyspace;
    const { context } = database;
    const { journal, observer, creations, stamp } = context;
    const { version, changed } = stamp;
    context.journal = null;
    context.observer = null;
    context.creations = null;
    stamp.use(head.version);
    try {
      const { content, expiryMs } = head;
      if (bytes !== null) {
        database.putOwnedString(0, key, 0, key.length, bytes, expiryMs, head.form);
      } else if (collection === null) {
        database.putString(0, key, 0, key.length, content, 0, content.length, expiryMs, head.form);
      } else {
        database.putCollection(key, 0, key.length, collection);
        if (expiryMs !== 0) database.setExpiry(database.find(key, 0, key.length), expiryMs);
      }
    } finally {
      context.journal = journal;
      context.observer = observer;
      context.creations = creations;
      stamp.version = version;
      stamp.changed = changed;
    }
    keyspace.noteHead(key, 0, key.length, head.incarnation, head.expiryMs);
    keyspace.coldKeys--;
  }
}

/** A collection is about to get its elements: those of one that has an order are few. */
export function takeOrder(collection: Collection, { content }: Head): void {
  if (content.length > 0) collection.takeEncoding('listpack');
}
