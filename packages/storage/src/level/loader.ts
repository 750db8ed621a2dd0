/**
 * Brings keys from the disk into memory.
 *
 *     turn     | GET a  GET b  HGET h  GET a |  heads of a, b, h: one read  | a and b are there, h is being read
 *                 all wait for one load                                        elements of h: a load of its own
 *
 * Keys that are asked for in one turn of the event loop are read together, and who waits for them goes on together. A
 * collection takes as long as it takes: it is built beside, a piece at a time, and gets its key when it is whole.
 *
 * A key that is not resident has nothing pending: everything that was written lately is in memory, and
 * what was removed lately is known to be absent. So the disk's record of it stands still while it is read,
 * and when it arrives it is put in place between two turns. Only a flush may come in between: then what
 * was read is dropped. What somebody waited for is pinned until the turn after, in which it is used.
 */
import { byteStringOf, emptyBytes, KvError, type Timers } from '@holdfast/common';
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

/**
 * So many reads of heads go on at once, and what is asked for meanwhile gathers: fewer and larger ones. A key costs 23 us
 * of processor time when 10 are read at once by 4, 13 when 25 are by 2.
 */
const readsAtOnce = 2;
/** Keys in one of them, so that a command of very many does not hold up the others. */
const keysPerRead = 512;
/** So many collections are read at once: each reads ahead. */
const collectionsAtOnce = 16;

/** What is read together, and who it is kept for. */
export class Load {
  /** Resolves when it is there, or was found not to exist, or takes a load of its own: then that one is to be asked for. */
  readonly done: Promise<void>;
  resolve!: () => void;
  reject!: (error: unknown) => void;
  readonly names: string[] = [];
  readonly keyspaces: Keyspace[] = [];
  readonly headKeys: Buffer[] = [];
  readonly pinned: { readonly keyspace: Keyspace; readonly name: string }[] = [];

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Who asked has it too.
    this.done.catch(() => {});
  }

  add(keyspace: Keyspace, name: string, headKey: Buffer): void {
    this.names.push(name);
    this.keyspaces.push(keyspace);
    this.headKeys.push(headKey);
  }

  pin(keyspace: Keyspace, name: string): void {
    keyspace.pin(name);
    this.pinned.push({ keyspace, name });
  }
}

export interface LoaderOptions {
  readonly store: OrderedStore;
  readonly timers: Timers;
  readonly memory: MemoryStorage;
  readonly keyspaces: Keyspaces;
  readonly layouts: readonly Layout[];
  readonly seed: number;
}

export class Loader {
  readonly #options: LoaderOptions;
  /** To be read; the last one takes what is asked for. */
  readonly #queue: Load[] = [];
  #isScheduled = false;
  /** Reads of heads under way. */
  #reads = 0;
  /** Collections being read, and those that wait for their turn. */
  #reading = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #startScheduled = (): void => {
    this.#isScheduled = false;
    this.#start();
  };

  constructor(options: LoaderOptions) {
    this.#options = options;
  }

  isResident(keyspace: Keyspace, bytes: Uint8Array, start: number, length: number): boolean {
    if (keyspace.isComplete || keyspace.database.find(bytes, start, length) !== 0) return true;
    return keyspace.isAbsent(byteStringOf(bytes, start, length));
  }

  /**
   * Asks for a key that is not resident, together with what else is asked for in this turn. What it returns may resolve
   * before the key is there, if that takes longer than others: see `Load.done`.
   */
  request(keyspace: Keyspace, key: Uint8Array): Load {
    const name = byteStringOf(key, 0, key.length);
    const load = keyspace.loads.get(name) ?? this.#add(keyspace, name, key);
    load.pin(keyspace, name);
    return load;
  }

  /** As `request`, for several keys, of which some may be resident: those stay so meanwhile. */
  requestAll(keys: ReadonlyMap<Keyspace, readonly Uint8Array[]>): Promise<void> | null {
    const loads = new Set<Load>();
    for (const [keyspace, names] of keys) {
      // A flush has ended it: its keys are gone.
      if (!this.#options.keyspaces.isLive(keyspace)) continue;
      for (const key of names) {
        if (!this.isResident(keyspace, key, 0, key.length)) loads.add(this.request(keyspace, key));
      }
    }
    if (loads.size === 0) return null;
    for (const [keyspace, names] of keys) {
      for (const key of names) {
        const name = byteStringOf(key, 0, key.length);
        for (const load of loads) load.pin(keyspace, name);
      }
    }
    if (loads.size === 1) for (const { done } of loads) return done;
    return Promise.all(Array.from(loads, ({ done }) => done)).then(() => {});
  }

  /** Resolves when all keys are resident, or known to be absent. `keys` belong to the loader. */
  async load(keys: ReadonlyMap<Keyspace, readonly Uint8Array[]>): Promise<void> {
    for (let loading = this.requestAll(keys); loading !== null; loading = this.requestAll(keys))
      await loading;
  }

  #add(keyspace: Keyspace, name: string, key: Uint8Array): Load {
    let load = this.#queue.at(-1);
    if (load === undefined || load.names.length >= keysPerRead) this.#queue.push((load = new Load()));
    if (!this.#isScheduled && this.#reads < readsAtOnce) {
      this.#isScheduled = true;
      this.#options.timers.setImmediate(this.#startScheduled);
    }
    load.add(keyspace, name, this.#headKey(keyspace, key));
    keyspace.loads.set(name, load);
    return load;
  }

  #start(): void {
    while (this.#reads < readsAtOnce && this.#queue.length > 0) void this.#run(this.#queue.shift() as Load);
  }

  async #run(load: Load): Promise<void> {
    const { headKeys, keyspaces, names } = load;
    this.#reads++;
    try {
      const values = await this.#options.store.getMany(headKeys);
      for (let i = 0; i < names.length; i++) this.#arrived(keyspaces[i], names[i], headKeys[i], values[i]);
      load.resolve();
    } catch (error) {
      for (let i = 0; i < names.length; i++) keyspaces[i].loads.delete(names[i]);
      load.reject(error);
    }
    this.#reads--;
    this.#start();
    this.#unpinLater(load);
  }

  /** What the disk has of a key. A damaged record is of concern to those alone who asked for it. */
  #arrived(keyspace: Keyspace, name: string, headKey: Buffer, value: Uint8Array | undefined): void {
    keyspace.loads.delete(name);
    if (value === undefined) {
      keyspace.notFound(name);
      return;
    }
    const key = headKey.subarray(headKeyOverhead);
    try {
      const head = readHead(headKey, value);
      if (head.type === valueTypes.string) this.#install(keyspace, key, head, null);
      else if (head.isWhole) this.#installWhole(keyspace, key, head);
      else void this.#loadElements(keyspace, name, key, head);
    } catch (error) {
      void this.#fail(keyspace, name, error);
    }
  }

  #installWhole(keyspace: Keyspace, key: Uint8Array, head: Head): void {
    const collection = createCollection(head.type, keyspace.database);
    applyTo(collection, head.content);
    this.#install(keyspace, key, head, collection);
  }

  /** Whoever asks for the key again, at once, gets the error. */
  async #fail(keyspace: Keyspace, name: string, error: unknown): Promise<void> {
    const load = new Load();
    keyspace.loads.set(name, load);
    load.reject(error);
    await new Promise<void>((resolve) => this.#options.timers.setImmediate(resolve));
    keyspace.loads.delete(name);
    this.#unpinLater(load);
  }

  async #loadElements(keyspace: Keyspace, name: string, key: Uint8Array, head: Head): Promise<void> {
    const load = new Load();
    keyspace.loads.set(name, load);
    load.pin(keyspace, name);
    const collection = createCollection(head.type, keyspace.database);
    try {
      if (this.#reading >= collectionsAtOnce)
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      this.#reading++;
      const isFilled = await this.#fill(keyspace, collection, head);
      keyspace.loads.delete(name);
      if (isFilled) this.#install(keyspace, key, head, collection);
      else this.#options.memory.context.released.push(collection);
      load.resolve();
    } catch (error) {
      keyspace.loads.delete(name);
      this.#options.memory.context.released.push(collection);
      load.reject(error);
    }
    this.#reading--;
    this.#waiting.shift()?.();
    this.#unpinLater(load);
  }

  /** Who waited goes on before the next turn. */
  #unpinLater(load: Load): void {
    this.#options.timers.setImmediate(() => {
      for (const { keyspace, name } of load.pinned) keyspace.unpin(name);
    });
  }

  /** Adds the elements from the disk to a collection without a key; false when its keyspace ended meanwhile. */
  async #fill(keyspace: Keyspace, collection: Collection, head: Head): Promise<boolean> {
    const late = new MutationWriter(64);
    const writer = new MutationWriter(4096);
    const output = {
      begin: (kind: number) => beginUnnamed(writer, kind),
      beginLate: (kind: number) => beginUnnamed(late, kind),
    };
    const layout = this.#options.layouts[head.type];
    let count = 0;
    for await (const entries of this.elements(head)) {
      count += entries.length;
      if (!this.#options.keyspaces.isLive(keyspace)) return false;
      writer.clear();
      for (const { element, value } of entries) layout.describe(element, value, output);
      applyTo(collection, writer.bytes.subarray(0, writer.length));
    }
    if (!this.#options.keyspaces.isLive(keyspace)) return false;
    if (count === 0) throw withoutElements();
    applyTo(collection, late.bytes.subarray(0, late.length));
    return true;
  }

  /** The element records of a collection, a piece at a time, each checked. */
  async *elements(head: Head): AsyncGenerator<ElementRecord[]> {
    const { element } = prefixes;
    const range = this.#options.store.range(
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
        if (entries.length < elementsPerTurn) return;
      }
    } finally {
      await range.close();
    }
  }

  /** Puts a value in place, as if it had always been there. */
  #install(keyspace: Keyspace, key: Uint8Array, head: Head, collection: Collection | null): void {
    const { database } = keyspace;
    if (!this.#options.keyspaces.isLive(keyspace) || this.isResident(keyspace, key, 0, key.length)) {
      if (collection !== null) this.#options.memory.context.released.push(collection);
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
    writeHeadKey(headKey, keyspace.generation, this.#options.seed, key, 0, key.length);
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
