/**
 * Brings keys from the disk into memory.
 *
 *     turn     | GET a  GET b  HGET h  GET a |  heads of a, b, h: one read  | a and b are there, h is being read
 *                 all wait for one load                                        elements of h: a load of its own
 *
 * Keys that are asked for in one turn of the event loop are read together, and who waits for them goes on together. A
 * collection takes as long as it takes: it is built beside, a piece at a time, and gets its key when it is whole. Who needs
 * but some elements of a hash, set or sorted set gets those: then the collection is there in part until somebody needs all.
 *
 * What the system has in its cache is not waited for: it is read on the spot (`readNow`), as far as the store lets it be.
 *
 * A key that is not resident has nothing pending: everything that was written lately is in memory, and
 * what was removed lately is known to be absent. So the disk's record of it stands still while it is read,
 * and when it arrives it is put in place, between two turns or before the command that needs it. Only a flush may come in
 * between: then what was read is dropped. What somebody waited for is pinned until the turn after, in which it is used.
 */
import { byteStringOf, keyBytesMax, type Timers } from '@holdfast/common';
import { type Collection, valueTypes } from '../collection.js';
import type { MemoryStorage } from '../memory-storage.js';
import { type ElementNames, noElements, type PartialElements } from '../partial-elements.js';
import { createCollection } from '../values/create.js';
import { headKeyOverhead, writeHeadKey } from './disk-keys.js';
import { type Head, readHead } from './disk-records.js';
import { ElementLoader } from './element-loader.js';
import { Installer, takeOrder } from './installer.js';
import type { Keyspace } from './keyspace.js';
import type { Keyspaces } from './keyspaces.js';
import { elementRecordKey, KnownElements } from './known-elements.js';
import type { Layout } from './layouts/index.js';
import { Load } from './load.js';
import { LongLoads } from './long-loads.js';
import type { OrderedStore } from './ordered-store.js';
import { ReadQueue } from './read-queue.js';

/** Who asks for more keys than these at once waits behind those who ask for fewer. */
const fewKeysMax = 64;

export interface LoaderOptions {
  readonly store: OrderedStore;
  readonly timers: Timers;
  readonly memory: MemoryStorage;
  readonly keyspaces: Keyspaces;
  readonly layouts: readonly Layout[];
  readonly seed: number;
}

export class Loader {
  readonly elements: ElementLoader;
  readonly #options: LoaderOptions;
  readonly #installer: Installer;
  readonly #queue: ReadQueue;
  readonly #long: LongLoads;
  readonly #known: KnownElements;
  /** Records of elements that can't be read: whoever asks again, at once, gets the error. */
  readonly #failed = new Map<string, Load>();

  constructor(options: LoaderOptions) {
    this.#options = options;
    this.#installer = new Installer(options);
    this.#queue = new ReadQueue(options, {
      onRead: (load, values) => this.#arrived(load, values),
      onFailure: (load) => this.#failedToRead(load),
      onEnd: (load) => load.unpinLater(options.timers),
    });
    this.#long = new LongLoads(options.timers);
    this.#known = new KnownElements(options.layouts);
    this.elements = new ElementLoader(options.store, options.keyspaces, options.layouts);
  }

  /** See `Storage.isResident`. What is too long to be a key is known to be absent. */
  isResident(keyspace: Keyspace, bytes: Uint8Array, start: number, length: number): boolean {
    if (keyspace.isComplete || length > keyBytesMax) return true;
    const ref = keyspace.database.find(bytes, start, length);
    if (ref !== 0) return !keyspace.hasPartial || keyspace.database.partialCollection(ref) === null;
    return keyspace.isAbsent(bytes, start, length);
  }

  /** See `Storage.isResidentFor`. */
  isResidentFor(
    keyspace: Keyspace,
    bytes: Uint8Array,
    start: number,
    length: number,
    elements: ElementNames,
  ): boolean {
    if (keyspace.isComplete || length > keyBytesMax) return true;
    const ref = keyspace.database.find(bytes, start, length);
    if (ref === 0) return keyspace.isAbsent(bytes, start, length);
    const collection = keyspace.hasPartial ? keyspace.database.partialCollection(ref) : null;
    return collection === null || this.#known.hasAll(collection, elements);
  }

  /**
   * Asks for a key that is not resident, together with what else is asked for in this turn. What it returns may resolve
   * before the key is there, if that takes longer than others: see `Load.done`.
   */
  request(keyspace: Keyspace, key: Uint8Array, isBulk = false): Load {
    const name = byteStringOf(key, 0, key.length);
    const load = keyspace.loads.get(name) ?? this.#begin(keyspace, name, key, isBulk);
    load.asked(keyspace, name, true);
    load.pin(keyspace, name);
    return load;
  }

  /** Makes a key resident at once, if it is not yet: null. Otherwise as `request`. */
  loadOne(keyspace: Keyspace, key: Uint8Array): Promise<void> | null {
    if (this.isResident(keyspace, key, 0, key.length)) return null;
    const isThere = keyspace.hasPartial
      ? this.readNow(keyspace, key, true)
      : this.#readMissed(keyspace, key, true);
    return isThere ? null : this.request(keyspace, key).done;
  }

  /**
   * Reads a key at once, when the store does not mind and nothing more is to be read for it than its head. False when it has
   * to be asked for, or, if only some elements are needed, when these have to be.
   */
  readNow(keyspace: Keyspace, key: Uint8Array, needsAll: boolean): boolean {
    return !keyspace.isFound(key, 0, key.length) && this.#readMissed(keyspace, key, needsAll);
  }

  /** As `readNow`, of a key that the database was just asked for, in vain: it is not looked for again. */
  #readMissed(keyspace: Keyspace, key: Uint8Array, needsAll: boolean): boolean {
    if (keyspace.loads.size > 0 && keyspace.loads.has(byteStringOf(key, 0, key.length))) return false;
    const headKey = this.#headKey(keyspace, key);
    const value = this.#options.store.getNow(headKey);
    if (value === null) return false;
    if (value === undefined) {
      keyspace.notFound(byteStringOf(key, 0, key.length));
      return true;
    }
    try {
      const head = readHead(headKey, value);
      return this.#installer.placeMissed(keyspace, key, head, !needsAll) && (needsAll || hasContent(head));
    } catch {
      // Whoever asks for it is told.
      return false;
    }
  }

  /** As `requestAll`, for who needs some elements only. */
  requestElements(
    keys: ReadonlyMap<Keyspace, readonly Uint8Array[]>,
    elements: ElementNames,
  ): Promise<void> | null {
    const loads = new Set<Load>();
    for (const [keyspace, names] of keys) {
      if (!this.#options.keyspaces.isLive(keyspace)) continue;
      const isBulk = names.length > fewKeysMax;
      for (const key of names) this.#requestElementsOf(keyspace, key, elements, loads, isBulk);
    }
    return loads.size === 0 ? null : this.#loaded(loads, keys);
  }

  #requestElementsOf(
    keyspace: Keyspace,
    key: Uint8Array,
    elements: ElementNames,
    loads: Set<Load>,
    isBulk: boolean,
  ): void {
    if (this.isResidentFor(keyspace, key, 0, key.length, elements)) return;
    if (this.readNow(keyspace, key, false)) return;
    const collection = partialOf(keyspace, key);
    if (collection === null) loads.add(this.#requestHead(keyspace, key, isBulk));
    else if (this.#known.needsWhole(collection, elements)) loads.add(this.request(keyspace, key));
    else {
      this.#requestEach(keyspace, key, collection, elements, loads);
      // One that was read may say that all are needed.
      if (loads.size === 0) this.#requestElementsOf(keyspace, key, elements, loads, isBulk);
    }
  }

  #requestEach(
    keyspace: Keyspace,
    key: Uint8Array,
    collection: Collection,
    elements: ElementNames,
    loads: Set<Load>,
  ): void {
    const name = byteStringOf(key, 0, key.length);
    for (let i = 0; i < elements.count; i++) {
      if (this.#known.has(collection, elements, i)) continue;
      const record = elementRecordKey(collection.partial as PartialElements, elements, i);
      if (this.#readElementNow(keyspace, collection, record)) continue;
      const failed = this.#failed.size === 0 ? undefined : this.#failed.get(record.toString('latin1'));
      loads.add(failed ?? this.#queue.add(keyspace, name, record, collection, false));
    }
  }

  #readElementNow(keyspace: Keyspace, collection: Collection, record: Buffer): boolean {
    const value = this.#options.store.getNow(record);
    if (value === null) return false;
    try {
      this.elements.arrived(keyspace, collection, record, value);
      return true;
    } catch {
      return false;
    }
  }

  #requestHead(keyspace: Keyspace, key: Uint8Array, isBulk: boolean): Load {
    const name = byteStringOf(key, 0, key.length);
    const known = keyspace.loads.get(name);
    const load = known ?? this.#begin(keyspace, name, key, isBulk);
    if (known === undefined) load.asked(keyspace, name, false);
    load.pin(keyspace, name);
    return load;
  }

  /** As `readNow`, for several: how many of a command's keys are read so has to stay far below what `notFound` remembers. */
  readAllNow(keys: ReadonlyMap<Keyspace, readonly Uint8Array[]>): void {
    for (const [keyspace, names] of keys) for (const key of names) this.readNow(keyspace, key, true);
  }

  /** As `request`, for several keys, of which some may be resident: those stay so meanwhile. */
  requestAll(keys: ReadonlyMap<Keyspace, readonly Uint8Array[]>): Promise<void> | null {
    const loads = new Set<Load>();
    for (const [keyspace, names] of keys) {
      // A flush has ended it: its keys are gone.
      if (!this.#options.keyspaces.isLive(keyspace)) continue;
      const isBulk = names.length > fewKeysMax;
      for (const key of names) {
        if (!this.isResident(keyspace, key, 0, key.length)) loads.add(this.request(keyspace, key, isBulk));
      }
    }
    return loads.size === 0 ? null : this.#loaded(loads, keys);
  }

  /** Resolves when all loads are done; until the turn after none of the keys is let go. */
  #loaded(loads: ReadonlySet<Load>, keys: ReadonlyMap<Keyspace, readonly Uint8Array[]>): Promise<void> {
    const [first] = loads;
    const all = loads.size === 1 ? first : this.#together(loads);
    for (const [keyspace, names] of keys)
      for (const key of names) all.pin(keyspace, byteStringOf(key, 0, key.length));
    return all.done;
  }

  /** A load that is over when all of these are. */
  #together(loads: ReadonlySet<Load>): Load {
    const all = new Load();
    Promise.all(Array.from(loads, ({ done }) => done))
      .then(all.resolve, all.reject)
      .then(() => all.unpinLater(this.#options.timers));
    return all;
  }

  /** Resolves when all keys are resident, or known to be absent. `keys` belong to the loader. */
  async load(keys: ReadonlyMap<Keyspace, readonly Uint8Array[]>): Promise<void> {
    for (let loading = this.requestAll(keys); loading !== null; loading = this.requestAll(keys))
      await loading;
  }

  /** As `load`, for who wants no elements of them. */
  async loadHeads(keys: ReadonlyMap<Keyspace, readonly Uint8Array[]>): Promise<void> {
    const request = (): Promise<void> | null => this.requestElements(keys, noElements);
    for (let loading = request(); loading !== null; loading = request()) await loading;
  }

  /** What is missing of a key: its head, or the elements of a collection that is there in part. */
  #begin(keyspace: Keyspace, name: string, key: Uint8Array, isBulk: boolean): Load {
    const collection = partialOf(keyspace, key);
    if (collection !== null) return this.#loadRest(keyspace, name, collection);
    const load = this.#queue.add(keyspace, name, this.#headKey(keyspace, key), null, isBulk);
    keyspace.loads.set(name, load);
    return load;
  }

  #arrived(load: Load, values: readonly (Uint8Array | undefined)[]): void {
    load.collections.forEach((collection, i) => {
      if (collection === null) this.#headArrived(load, i, values[i]);
      else this.#elementArrived(load, i, collection, values[i]);
    });
  }

  #failedToRead({ collections, keyspaces, names }: Load): void {
    collections.forEach((collection, i) => {
      if (collection === null) keyspaces[i].loads.delete(names[i]);
    });
  }

  /** What the disk has of a key. A damaged record is of concern to those alone who asked for it. */
  #headArrived(load: Load, i: number, value: Uint8Array | undefined): void {
    const { keyspaces, names, records } = load;
    const [keyspace, name, headKey] = [keyspaces[i], names[i], records[i]];
    keyspace.loads.delete(name);
    if (value === undefined) {
      keyspace.notFound(name);
      return;
    }
    const key = headKey.subarray(headKeyOverhead);
    try {
      const head = readHead(headKey, value);
      const mayBePart = load.isDivisible(keyspace, name);
      if (!this.#installer.place(keyspace, key, head, mayBePart))
        this.#loadElements(keyspace, name, key, head);
    } catch (error) {
      void this.#fail(keyspace, name, error);
    }
  }

  #elementArrived(
    { keyspaces, records }: Load,
    i: number,
    collection: Collection,
    value: Uint8Array | undefined,
  ): void {
    try {
      this.elements.arrived(keyspaces[i], collection, records[i], value);
    } catch (error) {
      const load = new Load();
      const record = records[i].toString('latin1');
      this.#failed.set(record, load);
      load.reject(error);
      this.#options.timers.setImmediate(() => {
        this.#failed.delete(record);
        load.unpinLater(this.#options.timers);
      });
    }
  }

  /** Whoever asks for the key again, at once, gets the error. */
  async #fail(keyspace: Keyspace, name: string, error: unknown): Promise<void> {
    const load = new Load();
    keyspace.loads.set(name, load);
    load.reject(error);
    await new Promise<void>((resolve) => this.#options.timers.setImmediate(resolve));
    keyspace.loads.delete(name);
    load.unpinLater(this.#options.timers);
  }

  #loadElements(keyspace: Keyspace, name: string, key: Uint8Array, head: Head): void {
    if (head.type === valueTypes.string) {
      this.#long.begin(keyspace, name, async () => {
        const bytes = await this.elements.string(keyspace, head);
        if (bytes !== null) this.#installer.installString(keyspace, key, head, bytes);
      });
      return;
    }
    const collection = createCollection(head.type, keyspace.database);
    takeOrder(collection, head);
    const { released } = this.#options.memory.context;
    this.#long.begin(keyspace, name, async () => {
      let isFilled = false;
      try {
        isFilled = await this.elements.fill(keyspace, collection, head.incarnation, head.content);
      } finally {
        if (!isFilled) released.push(collection);
      }
      if (isFilled) this.#installer.install(keyspace, key, head, collection);
    });
  }

  /** The elements that a collection has on the disk only. */
  #loadRest(keyspace: Keyspace, name: string, collection: Collection): Load {
    const { incarnation, order } = collection.partial as PartialElements;
    return this.#long.begin(keyspace, name, () =>
      this.elements.fill(keyspace, collection, incarnation, order),
    );
  }

  #headKey(keyspace: Keyspace, key: Uint8Array): Buffer {
    const headKey = Buffer.allocUnsafe(headKeyOverhead + key.length);
    writeHeadKey(headKey, keyspace.generation, this.#options.seed, key, 0, key.length);
    return headKey;
  }
}

/** Whether the head is all that there is. */
function hasContent({ incarnation, isWhole, type }: Head): boolean {
  return isWhole || (type === valueTypes.string && incarnation === 0);
}

/** What is in memory of a key, if that is not all. */
function partialOf({ database }: Keyspace, key: Uint8Array): Collection | null {
  const ref = database.find(key, 0, key.length);
  return ref === 0 ? null : database.partialCollection(ref);
}
