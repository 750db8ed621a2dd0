/**
 * A storage whose keys may be more than memory holds: LevelDB on the disk, and a MemoryStorage for what is
 * resident. Commands see the latter only; who runs them asks `isResident` first, and loads what is not.
 *
 *     commands <-> MemoryStorage <--- Loader, ScanPages, ExpiredKeys --- LevelDB
 *                    |  journal                                            ^
 *                    v                                                     |
 *                   log ---- committed ----> Stager, WriteBehind ----------+     Sweeper clears what is left
 *
 * Changes are made in memory and in the journal. The disk follows behind, with effects of committed batches
 * only, and always as of one position of the log: recovery applies the log from there. Opening reads one
 * record. What was loaded stays in memory.
 */
import { type Env, KvError } from '@holdfast/common';
import type { CreationListener, Database, KeyspaceObserver } from '../database.js';
import { MemoryStorage } from '../memory-storage.js';
import { MutationWriter, mutationKinds } from '../mutation.js';
import type { KeyName, Storage } from '../storage.js';
import type { WriteStamp } from '../write-stamp.js';
import { ClassicStore } from './classic-store.js';
import { describeColdKeys } from './cold-snapshot.js';
import { metaKey } from './disk-keys.js';
import {
  foreignDirectory,
  freshState,
  readFormat,
  readState,
  type State,
  writeFormat,
  writeState,
} from './disk-records.js';
import { ExpiredKeys } from './expired-keys.js';
import { Keyspace } from './keyspace.js';
import { Keyspaces } from './keyspaces.js';
import { createLayouts, type Layout } from './layouts/index.js';
import { Loader } from './loader.js';
import { MutationSkimmer } from './mutation-skimmer.js';
import type { OrderedStore } from './ordered-store.js';
import { diskCursor, ScanPages } from './scan-pages.js';
import { Stager } from './stager.js';
import { Sweeper } from './sweeper.js';
import { stateKey, WriteBehind } from './write-behind.js';

export interface LevelStorageOptions {
  /** A directory of its own; made when it is not there. */
  readonly directory: string;
  readonly env: Env;
}

const formatKey = metaKey('format');

export class LevelStorage implements Storage {
  readonly isAllResident = false;
  readonly needsJournal = true;
  readonly #store: OrderedStore;
  readonly #memory: MemoryStorage;
  readonly #keyspaces: Keyspaces;
  readonly #layouts: readonly Layout[] = createLayouts();
  readonly #stager: Stager;
  readonly #writer: WriteBehind;
  readonly #loader: Loader;
  readonly #pages: ScanPages;
  readonly #expired: ExpiredKeys;
  readonly #sweeper: Sweeper;
  readonly #effects = new MutationWriter(4096);

  /** Throws KvError INVALID (not our format), LOCKED, CORRUPT, DISK. */
  static async open({ directory, env }: LevelStorageOptions): Promise<LevelStorage> {
    const store = await ClassicStore.open(directory);
    try {
      return await LevelStorage.over(store, env, directory);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** A storage over an open store, which then belongs to it. `place` is its name in errors. */
  static async over(store: OrderedStore, env: Env, place: string): Promise<LevelStorage> {
    const [format, state] = await store.getMany([formatKey, stateKey]);
    if (format !== undefined && state !== undefined) {
      return new LevelStorage(store, env, readFormat(format, place), readState(stateKey, state));
    }
    const range = store.range(Buffer.alloc(0), Buffer.from([0xff]));
    const entries = await range.next(1).finally(() => range.close());
    if (entries.length > 0) throw foreignDirectory(place);
    const seed = env.random.uint32() | 0;
    const fresh = freshState();
    const batch = store.batch();
    batch.put(formatKey, writeFormat(seed));
    batch.put(stateKey, writeState(stateKey, fresh));
    await batch.write();
    return new LevelStorage(store, env, seed, fresh);
  }

  private constructor(store: OrderedStore, env: Env, seed: number, state: State) {
    this.#store = store;
    const keyspaces = new Keyspaces();
    const memory = new MemoryStorage({ uint32: () => seed >>> 0, fill: (target) => target }, keyspaces);
    const { generations, keyCounts, nextIncarnation, lastVersion, position } = state;
    keyspaces.begin(
      generations.map((generation, i) => new Keyspace(generation, memory.database(i), keyCounts[i])),
      state.nextGeneration,
    );
    memory.stamp.last = lastVersion;
    this.#keyspaces = keyspaces;
    this.#memory = memory;
    this.#stager = new Stager(keyspaces, this.#layouts, seed, nextIncarnation, lastVersion);
    this.#sweeper = new Sweeper(store);
    const { sweeper, stager } = { sweeper: this.#sweeper, stager: this.#stager };
    this.#writer = new WriteBehind({
      store,
      env,
      memory,
      keyspaces,
      stager,
      seed,
      position,
      onWritten: ({ sequence, orphans, deadGenerations }) => {
        sweeper.add(orphans, deadGenerations);
        for (const keyspace of keyspaces.all()) keyspace.pruneAbsent(sequence);
      },
    });
    this.#loader = new Loader(store, memory, keyspaces, this.#layouts, seed);
    this.#pages = new ScanPages({ store, keyspaces, loader: this.#loader, writer: this.#writer, seed });
    this.#expired = new ExpiredKeys(store, keyspaces, this.#loader);
    sweeper.start();
  }

  // What is in memory

  get stamp(): WriteStamp {
    return this.#memory.stamp;
  }

  get journal(): MutationWriter | null {
    return this.#memory.journal;
  }

  set journal(journal: MutationWriter | null) {
    this.#memory.journal = journal;
  }

  get creations(): CreationListener | null {
    return this.#memory.creations;
  }

  set creations(creations: CreationListener | null) {
    this.#memory.creations = creations;
  }

  get observer(): KeyspaceObserver | null {
    return this.#memory.observer;
  }

  set observer(observer: KeyspaceObserver | null) {
    this.#memory.observer = observer;
  }

  database(index: number): Database {
    return this.#memory.database(index);
  }

  swap(a: number, b: number): void {
    this.#memory.swap(a, b);
  }

  get unreleased(): number {
    return this.#memory.unreleased;
  }

  get releases(): number {
    return this.#memory.releases;
  }

  releaseSome(budget: number): boolean {
    return this.#memory.releaseSome(budget);
  }

  // What is not

  isResident(database: number, bytes: Uint8Array, start: number, length: number): boolean {
    return this.#loader.isResident(this.#keyspaces.live(database), bytes, start, length);
  }

  async load(names: readonly KeyName[]): Promise<void> {
    const keys = new Map<Keyspace, Uint8Array[]>();
    for (const { database, key } of names) addTo(keys, this.#keyspaces.live(database), Buffer.from(key));
    await this.#loadAll(keys);
  }

  keyCount(database: number): number {
    return this.#keyspaces.live(database).keyCount;
  }

  prepareScan(database: number, cursor: number, count: number): Promise<void> | null {
    const keyspace = this.#keyspaces.live(database);
    if (keyspace.isComplete && cursor < diskCursor) return null;
    if (count === Number.POSITIVE_INFINITY) return this.#pages.loadAll(keyspace);
    const loading = this.#pages.prepare(keyspace, cursor, count);
    this.#stager.listener = this.#pages;
    return loading;
  }

  scanPage(database: number, cursor: number, count: number, visit: (ref: number) => void): number {
    const keyspace = this.#keyspaces.live(database);
    if (keyspace.isComplete && cursor < diskCursor) {
      return this.#memory.scanPage(database, cursor, count, visit);
    }
    const next = this.#pages.take(keyspace, cursor, count, this.#unstaged(), visit);
    if (this.#pages.isIdle) this.#stager.listener = null;
    if (next >= 0) return next;
    throw new KvError('INVALID', 'the page of a scan was not prepared');
  }

  prepareExpired(nowMs: number): Promise<void> | null {
    return this.#expired.prepare(nowMs);
  }

  // Batches

  prepareApply(batch: Uint8Array): Promise<void> | null {
    if (this.#keyspaces.isComplete) return null;
    const current: (Keyspace | null)[] = [...this.#keyspaces.all()];
    const missing = new Map<Keyspace, Uint8Array[]>();
    const flushed: Keyspace[] = [];
    const skimmer = this.#skim(batch);
    const { reader } = skimmer;
    while (skimmer.next()) {
      const { kind, database, bytes } = reader;
      const keyspace = current[database];
      if (kind === mutationKinds.swapDatabases) {
        current[database] = current[skimmer.otherDatabase];
        current[skimmer.otherDatabase] = keyspace;
      } else if (keyspace !== null && kind === mutationKinds.flushDatabase) {
        // Over a later state a flush removes key by key: all have to be there.
        if (this.stamp.last > reader.version) flushed.push(keyspace);
        current[database] = null;
      } else if (keyspace !== null && kind !== mutationKinds.leadership) {
        this.#addMissing(missing, keyspace, bytes, reader.keyStart, reader.keyLength);
        if (kind !== mutationKinds.renameKey) continue;
        this.#addMissing(missing, keyspace, bytes, reader.fieldStart, reader.fieldLength);
      }
    }
    const cold = flushed.filter((keyspace) => !keyspace.isComplete);
    if (missing.size === 0 && cold.length === 0) return null;
    return Promise.all([
      this.#loadAll(missing),
      ...cold.map((keyspace) => this.#pages.loadAll(keyspace)),
    ]).then(() => {});
  }

  apply(batch: Uint8Array, position: number): void {
    const effects = this.#effects;
    effects.clear();
    this.#memory.apply(batch, position, effects);
    this.#writer.staged(effects.bytes.subarray(0, effects.length));
    this.#writer.committed(position);
  }

  staged(batch: Uint8Array): void {
    this.#writer.staged(batch);
  }

  committed(position: number): void {
    this.#writer.committed(position);
  }

  async *snapshot(): AsyncIterable<Uint8Array> {
    const { context, swaps } = this.#memory;
    const renamedBefore = context.renamed.length;
    context.snapshots++;
    try {
      // Cold keys first: one that is loaded meanwhile comes again, with those in memory.
      for await (const batch of describeColdKeys(this.#store, this.#keyspaces, this.#loader, this.#layouts)) {
        if (this.#memory.swaps !== swaps) {
          throw new KvError('INVALID', 'databases were swapped during a snapshot');
        }
        yield batch;
      }
      if (this.#memory.swaps !== swaps) {
        throw new KvError('INVALID', 'databases were swapped during a snapshot');
      }
      yield* this.#memory.snapshot(renamedBefore);
    } finally {
      this.#memory.endSnapshot();
    }
  }

  // The disk

  get durablePosition(): number {
    return this.#writer.durablePosition;
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  get failure(): KvError | null {
    return this.#writer.failure;
  }

  trackAccess(tracksAccess: boolean): void {
    this.#memory.trackAccess(tracksAccess);
  }

  get usedBytes(): number {
    let bytes = this.#memory.usedBytes + this.#writer.pendingBytes;
    for (const keyspace of this.#keyspaces.all()) bytes += keyspace.usedBytes;
    return bytes;
  }

  get freeBytes(): number {
    return this.#memory.freeBytes;
  }

  flush(): Promise<void> {
    return this.#writer.flush();
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#sweeper.close();
    await this.#store.close();
  }

  /** Resolves when what removed keys left on the disk is cleared: nobody needs to wait, but tests. */
  swept(): Promise<void> {
    return this.#sweeper.idle();
  }

  async #loadAll(keys: ReadonlyMap<Keyspace, Uint8Array[]>): Promise<void> {
    await Promise.all(Array.from(keys, ([keyspace, names]) => this.#loader.load(keyspace, names)));
  }

  #addMissing(
    missing: Map<Keyspace, Uint8Array[]>,
    keyspace: Keyspace,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    if (this.#loader.isResident(keyspace, bytes, start, length)) return;
    addTo(missing, keyspace, Buffer.from(bytes.subarray(start, start + length)));
  }

  /** The mutations of the turn that is going on. */
  #unstaged(): MutationSkimmer | null {
    const { journal } = this.#memory;
    if (journal === null || journal.length === 0) return null;
    return this.#skim(journal.bytes.subarray(0, journal.length));
  }

  #skim(batch: Uint8Array): MutationSkimmer {
    return new MutationSkimmer(batch, this.#layouts, this.#memory.database(0));
  }
}

function addTo(keys: Map<Keyspace, Uint8Array[]>, keyspace: Keyspace, key: Uint8Array): void {
  const names = keys.get(keyspace);
  if (names === undefined) keys.set(keyspace, [key]);
  else names.push(key);
}
