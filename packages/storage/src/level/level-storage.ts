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
 * record. What is resident may be bounded: then ResidentCache lets keys go that the disk has.
 */
import { type Env, KvError, type Random } from '@holdfast/common';
import type { Database } from '../database.js';
import type { CreationListener, KeyspaceObserver } from '../database-context.js';
import type { DepartedKeys } from '../departed-keys.js';
import { type KeyNames, type NameSelection, noNames } from '../key-names.js';
import { MemoryStorage } from '../memory-storage.js';
import { MutationWriter } from '../mutation.js';
import type { ElementNames } from '../partial-elements.js';
import type { KeyName, Storage } from '../storage.js';
import type { WriteStamp } from '../write-stamp.js';
import { addTo, needsOf } from './apply-needs.js';
import { ClassicStore } from './classic-store.js';
import { ColdNames } from './cold-names.js';
import type { State } from './disk-records.js';
import { ExpiredKeys } from './expired-keys.js';
import { clearDeparted, keepDeparted, readDeparted } from './kept-departed.js';
import { KeySamples } from './key-samples.js';
import { Keyspace } from './keyspace.js';
import { Keyspaces } from './keyspaces.js';
import { createLayouts, type Layout } from './layouts/index.js';
import { takeSnapshot } from './level-snapshot.js';
import { Loader } from './loader.js';
import { MutationSkimmer } from './mutation-skimmer.js';
import { openState } from './opening.js';
import type { OrderedStore } from './ordered-store.js';
import { ResidentCache } from './resident-cache.js';
import { diskCursor, ScanPages } from './scan-pages.js';
import { Stager } from './stager.js';
import { Sweeper } from './sweeper.js';
import { pendingBytesMax, WriteBehind } from './write-behind.js';

export interface LevelStorageOptions {
  /** A directory of its own; made when it is not there. */
  readonly directory: string;
  readonly env: Env;
  /** See `Storage.cacheBytes`. */
  readonly cacheBytes?: number;
}

/** A bound on what is resident leaves so much of it to what waits for the disk, from `pendingBytesMin` to `pendingBytesMax`. */
const pendingShare = 3 / 16;
const pendingBytesMin = 16 * 1024 * 1024;
/** How many keys are looked at after each batch that others made. */
const looksPerBatch = 1024;
/** The keys of a command are read on the spot if they are no more than these. */
const readNowMax = 64;

export class LevelStorage implements Storage {
  readonly isAllResident = false;
  /** In the order of the disk from the start on, whatever is in memory. */
  readonly scanStart = diskCursor;
  readonly needsJournal = true;
  readonly #store: OrderedStore;
  readonly #env: Env;
  readonly #memory: MemoryStorage;
  readonly #keyspaces: Keyspaces;
  readonly #layouts: readonly Layout[] = createLayouts();
  readonly #stager: Stager;
  readonly #writer: WriteBehind;
  readonly #loader: Loader;
  readonly #pages: ScanPages;
  readonly #samples: KeySamples;
  readonly #names: ColdNames;
  readonly #expired: ExpiredKeys;
  readonly #cache: ResidentCache;
  readonly #sweeper: Sweeper;
  readonly #effects = new MutationWriter(4096);
  /** After so many batches what is kept of departed keys was true; -1 when nothing is kept. */
  #keptAfter: number;

  /** Throws KvError INVALID (not our format), LOCKED, CORRUPT, DISK. */
  static async open({ directory, env, cacheBytes = 0 }: LevelStorageOptions): Promise<LevelStorage> {
    const store = await ClassicStore.open(directory, env);
    try {
      const storage = await LevelStorage.over(store, env, directory);
      storage.cacheBytes = cacheBytes;
      return storage;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** A storage over an open store, which then belongs to it. `place` is its name in errors. */
  static async over(store: OrderedStore, env: Env, place: string): Promise<LevelStorage> {
    const { seed, state } = await openState(store, env.random, place);
    return new LevelStorage(store, env, seed, state, await readDeparted(store, state.batches));
  }

  private constructor(
    store: OrderedStore,
    env: Env,
    seed: number,
    state: State,
    departed: ReadonlyMap<number, DepartedKeys> | null,
  ) {
    this.#store = store;
    this.#env = env;
    const keyspaces = new Keyspaces();
    const memory = new MemoryStorage({ uint32: () => seed >>> 0, fill: (target) => target }, keyspaces);
    const { generations, keyCounts, nextIncarnation, lastVersion } = state;
    keyspaces.begin(
      generations.map((generation, i) => {
        return new Keyspace(generation, memory.database(i), keyCounts[i], departed?.get(generation));
      }),
      state.nextGeneration,
    );
    memory.stamp.last = lastVersion;
    this.#keptAfter = departed === null ? -1 : state.batches;
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
      state,
      onWritten: ({ sequence, orphans, deadGenerations }) => {
        sweeper.add(orphans, deadGenerations);
        this.#forgetKept();
        this.#pruneRemovals(sequence);
      },
    });
    const { timers } = env;
    this.#loader = new Loader({ store, timers, memory, keyspaces, layouts: this.#layouts, seed });
    this.#pages = new ScanPages({
      store,
      timers,
      keyspaces,
      loader: this.#loader,
      writer: this.#writer,
      seed,
      onIdle: () => {
        this.#stager.listener = null;
      },
    });
    const { clock, random } = env;
    this.#samples = new KeySamples({ store, clock, timers, random, pages: this.#pages });
    this.#names = new ColdNames({ store, timers, keyspaces });
    this.#expired = new ExpiredKeys(store, keyspaces, this.#loader);
    const { expired, names, writer } = { expired: this.#expired, names: this.#names, writer: this.#writer };
    this.#cache = new ResidentCache({ memory, keyspaces, writer, expired, names, seed });
    sweeper.start(nextIncarnation);
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

  get syncLog(): (() => Promise<void>) | null {
    return this.#memory.syncLog;
  }

  set syncLog(syncLog: (() => Promise<void>) | null) {
    this.#memory.syncLog = syncLog;
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
    await this.#loader.load(keys);
  }

  loadSome(names: readonly KeyName[]): Promise<void> | null {
    if (names.length === 1) {
      const [{ database, key }] = names;
      return this.#loader.loadOne(this.#keyspaces.live(database), key);
    }
    const keys = this.#byKeyspace(names);
    if (names.length <= readNowMax) this.#loader.readAllNow(keys);
    return this.#loader.requestAll(keys);
  }

  isResidentFor(
    database: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    elements: ElementNames,
  ): boolean {
    return this.#loader.isResidentFor(this.#keyspaces.live(database), bytes, start, length, elements);
  }

  loadElements(names: readonly KeyName[], elements: ElementNames): Promise<void> | null {
    return this.#loader.requestElements(this.#byKeyspace(names), elements);
  }

  isComplete(database: number): boolean {
    return this.#keyspaces.live(database).isComplete;
  }

  keyCount(database: number): number {
    return this.#keyspaces.live(database).keyCount;
  }

  prepareScan(
    database: number,
    cursor: number,
    count: number,
    wants: 'keys' | 'values' = 'values',
  ): Promise<void> | null {
    const keyspace = this.#keyspaces.live(database);
    if (keyspace.isComplete && cursor < diskCursor) return null;
    if (count === Number.POSITIVE_INFINITY) return this.#pages.loadAll(keyspace);
    const loading = this.#pages.prepare(keyspace, cursor, count, wants);
    this.#stager.listener = this.#pages;
    return loading;
  }

  scanPage(database: number, cursor: number, count: number, visit: (ref: number) => void): number {
    const keyspace = this.#keyspaces.live(database);
    if (keyspace.isComplete && cursor < diskCursor) {
      return this.#memory.scanPage(database, cursor, count, visit);
    }
    const next = this.#pages.take(keyspace, cursor, count, this.#unstaged(), visit);
    if (next >= 0) return next;
    throw new KvError('INVALID', 'the page of a scan was not prepared');
  }

  prepareSample(database: number): Promise<void> | null {
    const keyspace = this.#keyspaces.live(database);
    if (keyspace.isComplete) return null;
    const loading = this.#samples.prepare(keyspace);
    this.#stager.listener = this.#pages;
    return loading;
  }

  visitSample(database: number, random: Random, visit: (ref: number) => void): void {
    const keyspace = this.#keyspaces.live(database);
    if (keyspace.isComplete) this.#memory.visitSample(database, random, visit);
    else this.#samples.take(keyspace, visit);
  }

  prepareNames(database: number, selection: NameSelection): Promise<void> | null {
    return this.#names.prepare(this.#keyspaces.live(database), selection);
  }

  coldNames(database: number, selection: NameSelection): KeyNames {
    const keyspace = this.#keyspaces.live(database);
    if (keyspace.coldKeys === 0) return noNames;
    const names = this.#names.take(keyspace, selection);
    if (names !== null) return names;
    throw new KvError('INVALID', 'the names of keys were not prepared');
  }

  isScanned(database: number, cursor: number, bytes: Uint8Array, start: number, length: number): boolean {
    return this.#pages.isScanned(this.#keyspaces.live(database), cursor, bytes, start, length);
  }

  prepareExpired(nowMs: number): Promise<void> | null {
    return this.#expired.prepare(nowMs);
  }

  // Batches

  prepareApply(batch: Uint8Array, isNext = false): Promise<void> | null {
    const room = this.#writer.admit();
    if (room !== null) return this.#prepareLater(room, batch, isNext);
    this.#keyspaces.isNext = isNext;
    if (this.#keyspaces.isComplete) return null;
    const { keys, whole } = needsOf(this.#skim(batch), this.#keyspaces.all(), this.stamp.last, isNext);
    if (whole.length > 0) return this.#prepareWhole(keys, whole);
    // Of a log that is applied most keys are new: each costs 23 us when threads look for it, and 10 on the spot.
    this.#loader.readAllNow(keys);
    return this.#loader.requestAll(keys) === null ? null : this.#loader.load(keys);
  }

  apply(batch: Uint8Array, position: number): void {
    const effects = this.#effects;
    effects.clear();
    this.#memory.apply(batch, position, effects);
    this.#writer.staged(effects.bytes.subarray(0, effects.length));
    this.#writer.committed(position);
    this.#cache.stagedVersion = this.stamp.last;
    this.#cache.letGoSome(looksPerBatch);
  }

  staged(batch: Uint8Array): void {
    this.#writer.staged(batch);
    this.#cache.stagedVersion = this.stamp.last;
  }

  committed(position: number): void {
    this.#writer.committed(position);
  }

  snapshot(): AsyncIterable<Uint8Array> {
    return takeSnapshot({
      store: this.#store,
      memory: this.#memory,
      keyspaces: this.#keyspaces,
      layouts: this.#layouts,
      loader: this.#loader,
      cache: this.#cache,
      writer: this.#writer,
    });
  }

  beginLongWrite(): () => void {
    return this.#memory.beginLongWrite();
  }

  // The disk

  get durablePosition(): number {
    return this.#writer.durablePosition;
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  admitWrite(): Promise<void> | null {
    return this.#writer.admit();
  }

  get cacheBytes(): number {
    return this.#cache.maxBytes;
  }

  set cacheBytes(bytes: number) {
    this.#cache.maxBytes = bytes;
    const share = bytes === 0 ? pendingBytesMax : bytes * pendingShare;
    this.#writer.pendingBytesMax = Math.min(pendingBytesMax, Math.max(pendingBytesMin, share));
  }

  letGoSome(looks: number): boolean {
    return this.#cache.letGoSome(looks);
  }

  get departures(): number {
    return this.#cache.departures;
  }

  get failure(): KvError | null {
    return this.#writer.failure;
  }

  get isStuck(): boolean {
    return this.#writer.isStuck;
  }

  trackAccess(tracksAccess: boolean): void {
    this.#memory.trackAccess(tracksAccess);
  }

  get usedBytes(): number {
    let bytes = this.#memory.usedBytes + this.#writer.pendingBytes;
    for (const { usedBytes, departedBytes } of this.#keyspaces.all()) bytes += usedBytes + departedBytes;
    return bytes;
  }

  get freeBytes(): number {
    return this.#memory.freeBytes;
  }

  flush(): Promise<void> {
    return this.#writer.flush();
  }

  finish(): Promise<void> {
    return this.#writer.finish();
  }

  async close(): Promise<void> {
    this.#names.close();
    this.#pages.close();
    await this.#writer.close();
    await this.#keepDeparted();
    // Nobody waits for what is being cleared: it is listed, and the next life goes on with it.
    const swept = this.#sweeper.close();
    await this.#store.close();
    await swept;
  }

  /** For the next life. One that does not get it looks at the disk more often. */
  async #keepDeparted(): Promise<void> {
    const { batches, isAtRest } = this.#writer;
    if (!isAtRest || this.#keptAfter === batches) return;
    await keepDeparted(this.#store, this.#keyspaces.all(), batches, this.#cache.knownBytesMax).catch(
      () => {},
    );
  }

  /** Resolves when what removed keys left on the disk is cleared: nobody needs to wait, but tests. */
  swept(): Promise<void> {
    return this.#sweeper.idle();
  }

  async #prepareLater(room: Promise<void>, batch: Uint8Array, isNext: boolean): Promise<void> {
    await room;
    await this.prepareApply(batch, isNext);
  }

  #byKeyspace(names: readonly KeyName[]): Map<Keyspace, Uint8Array[]> {
    const keys = new Map<Keyspace, Uint8Array[]>();
    for (const { database, key } of names) addTo(keys, this.#keyspaces.live(database), key);
    return keys;
  }

  /** All keys of some keyspaces, and some of others. */
  async #prepareWhole(keys: ReadonlyMap<Keyspace, Uint8Array[]>, cold: readonly Keyspace[]): Promise<void> {
    // Held from here on: what is loaded first stays until the last is there.
    for (const keyspace of cold) keyspace.holds++;
    try {
      for (const keyspace of cold) await this.#pages.loadAll(keyspace);
      await this.#loader.load(keys);
    } finally {
      this.#env.timers.setImmediate(() => {
        for (const keyspace of cold) keyspace.holds--;
      });
    }
  }

  /** Not while the disk is being read as it was: who does has to know what was removed. */
  #pruneRemovals(writtenSet: number): void {
    if (this.#cache.isSnapshotTaken || this.#names.isActive) return;
    for (const keyspace of this.#keyspaces.all()) keyspace.pruneRemovals(writtenSet);
  }

  /** The mutations of the turn that is going on. */
  #unstaged(): MutationSkimmer | null {
    const { journal } = this.#memory;
    if (journal === null || journal.length === 0) return null;
    return this.#skim(journal.bytes.subarray(0, journal.length));
  }

  /** Something was written: what is kept takes room, and nobody believes it. */
  #forgetKept(): void {
    if (this.#keptAfter < 0) return;
    this.#keptAfter = -1;
    clearDeparted(this.#store).catch(() => {});
  }

  #skim(batch: Uint8Array): MutationSkimmer {
    return new MutationSkimmer(batch, this.#layouts, this.#memory.database(0));
  }
}
