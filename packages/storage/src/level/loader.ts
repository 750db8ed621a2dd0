/**
 * Brings keys from the disk into memory.
 *
 * A key that is not resident has nothing pending: everything that was written lately is in memory, and
 * what was removed lately is known to be absent. So the disk's record of it stands still while it is read,
 * and when it arrives it is put in place between two turns. Only a flush may come in between: then what
 * was read is dropped. A collection is built beside, a piece at a time, and gets its key when it is whole.
 */
import { byteStringOf, emptyBytes, KvError } from '@holdfast/common';
import { type Collection, valueTypes } from '../collection.js';
import type { MemoryStorage } from '../memory-storage.js';
import { MutationReader, MutationWriter } from '../mutation.js';
import { createCollection } from '../values/create.js';
import { elementKeyOverhead, headKeyOverhead, numberKey64, prefixes, writeHeadKey } from './disk-keys.js';
import { checksumBytes, type Head, readHead, verify } from './disk-records.js';
import type { Keyspace } from './keyspace.js';
import type { Keyspaces } from './keyspaces.js';
import type { Layout } from './layouts/index.js';
import type { OrderedStore } from './ordered-store.js';

/** Elements are read and added this many at a time: about a millisecond. */
const elementsPerTurn = 1000;

export interface ElementRecord {
  readonly element: Uint8Array;
  readonly value: Uint8Array;
}

export class Loader {
  readonly #store: OrderedStore;
  readonly #memory: MemoryStorage;
  readonly #keyspaces: Keyspaces;
  readonly #layouts: readonly Layout[];
  readonly #seed: number;

  constructor(
    store: OrderedStore,
    memory: MemoryStorage,
    keyspaces: Keyspaces,
    layouts: readonly Layout[],
    seed: number,
  ) {
    this.#store = store;
    this.#memory = memory;
    this.#keyspaces = keyspaces;
    this.#layouts = layouts;
    this.#seed = seed;
  }

  isResident(keyspace: Keyspace, bytes: Uint8Array, start: number, length: number): boolean {
    if (keyspace.isComplete || keyspace.database.find(bytes, start, length) !== 0) return true;
    return keyspace.isAbsent(byteStringOf(bytes, start, length));
  }

  /** Loads keys of one keyspace; those already being loaded are waited for. `keys` belong to the loader. */
  async load(keyspace: Keyspace, keys: readonly Uint8Array[]): Promise<void> {
    const loads = new Set<Promise<void>>();
    const missing = new Map<string, Uint8Array>();
    for (const key of keys) {
      if (this.isResident(keyspace, key, 0, key.length)) continue;
      const name = byteStringOf(key, 0, key.length);
      const load = keyspace.loads.get(name);
      if (load === undefined) missing.set(name, key);
      else loads.add(load);
    }
    if (missing.size > 0) loads.add(this.#start(keyspace, missing));
    await Promise.all(loads);
  }

  #start(keyspace: Keyspace, keys: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const load = this.#load(keyspace, keys).finally(() => {
      for (const name of keys.keys()) keyspace.loads.delete(name);
    });
    for (const name of keys.keys()) keyspace.loads.set(name, load);
    return load;
  }

  async #load(keyspace: Keyspace, keys: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const names = [...keys.keys()];
    const headKeys = [...keys.values()].map((key) => this.#headKey(keyspace, key));
    const values = await this.#store.getMany(headKeys);
    for (let i = 0; i < names.length; i++) {
      const value = values[i];
      if (value === undefined) keyspace.notFound(names[i]);
      else
        await this.#loadHead(keyspace, headKeys[i].subarray(headKeyOverhead), readHead(headKeys[i], value));
    }
  }

  async #loadHead(keyspace: Keyspace, key: Uint8Array, head: Head): Promise<void> {
    if (head.type === valueTypes.string) {
      this.#install(keyspace, key, head, null);
      return;
    }
    const collection = createCollection(head.type, keyspace.database);
    if (await this.#fill(keyspace, collection, head)) this.#install(keyspace, key, head, collection);
    else this.#memory.context.released.push(collection);
  }

  /** Adds the elements from the disk to a collection without a key; false when its keyspace ended meanwhile. */
  async #fill(keyspace: Keyspace, collection: Collection, head: Head): Promise<boolean> {
    if (head.isWhole) {
      applyTo(collection, head.content);
      return true;
    }
    const late = new MutationWriter(64);
    const writer = new MutationWriter(4096);
    const output = {
      begin: (kind: number) => beginUnnamed(writer, kind),
      beginLate: (kind: number) => beginUnnamed(late, kind),
    };
    let count = 0;
    for await (const entries of this.elements(head)) {
      count += entries.length;
      if (!this.#keyspaces.isLive(keyspace)) return false;
      writer.clear();
      for (const { element, value } of entries) this.#layouts[head.type].describe(element, value, output);
      applyTo(collection, writer.bytes.subarray(0, writer.length));
    }
    if (!this.#keyspaces.isLive(keyspace)) return false;
    if (count === 0) throw withoutElements();
    applyTo(collection, late.bytes.subarray(0, late.length));
    return true;
  }

  /** The element records of a collection, a piece at a time, each checked. */
  async *elements(head: Head): AsyncGenerator<ElementRecord[]> {
    const { element } = prefixes;
    const range = this.#store.range(
      numberKey64(element, head.incarnation),
      numberKey64(element, head.incarnation + 1),
    );
    try {
      for (;;) {
        const entries = await range.next(elementsPerTurn);
        if (entries.length === 0) return;
        yield entries.map(([key, value]) => {
          verify(key, value);
          return { element: key.subarray(elementKeyOverhead), value: value.subarray(checksumBytes) };
        });
      }
    } finally {
      await range.close();
    }
  }

  /** Puts a value in place, as if it had always been there. */
  #install(keyspace: Keyspace, key: Uint8Array, head: Head, collection: Collection | null): void {
    const { database } = keyspace;
    if (!this.#keyspaces.isLive(keyspace) || this.isResident(keyspace, key, 0, key.length)) {
      if (collection !== null) this.#memory.context.released.push(collection);
      return;
    }
    const { context } = database;
    const { journal, observer, stamp } = context;
    const { version } = stamp;
    context.journal = null;
    context.observer = null;
    stamp.use(head.version);
    try {
      database.find(key, 0, key.length);
      const { content, expiryMs } = head;
      if (collection === null) {
        database.putString(0, key, 0, key.length, content, 0, content.length, expiryMs, head.form);
      } else {
        database.putCollection(key, 0, key.length, collection);
        if (expiryMs !== 0) database.setExpiry(database.find(key, 0, key.length), expiryMs);
      }
    } finally {
      context.journal = journal;
      context.observer = observer;
      stamp.version = version;
    }
    keyspace.noteHead(key, 0, key.length, head.incarnation, head.expiryMs);
    keyspace.coldKeys--;
  }

  #headKey(keyspace: Keyspace, key: Uint8Array): Buffer {
    const headKey = Buffer.allocUnsafe(headKeyOverhead + key.length);
    writeHeadKey(headKey, keyspace.generation, this.#seed, key, 0, key.length);
    return headKey;
  }
}

/** Starts a mutation whose key does not matter: it is applied to one collection. */
function beginUnnamed(writer: MutationWriter, kind: number): MutationWriter {
  writer.begin(kind, 0, 0, emptyBytes, 0, 0);
  return writer;
}

function applyTo(collection: Collection, mutations: Uint8Array): void {
  const reader = new MutationReader(mutations);
  while (reader.next()) collection.apply(reader);
}

export function withoutElements(): KvError {
  return new KvError(
    'CORRUPT',
    'a collection on the disk has lost its elements: restore the directory from a backup.',
  );
}
