/**
 * Everything in memory: keys and values in arenas outside the JavaScript heap. The simplest Storage,
 * and the resident part of every other one.
 */
import { KvError, type Random } from '@holdfast/common';
import { MutationApplier } from './apply.js';
import type { Ref } from './arena.js';
import type { Collection } from './collection.js';
import { Database } from './database.js';
import type { CreationListener, DatabaseContext, KeyspaceObserver, Residency } from './database-context.js';
import { type KeyNames, type NameSelection, noNames } from './key-names.js';
import { type MutationWriter, mutationKinds } from './mutation.js';
import { SnapshotReading } from './snapshot-reading.js';
import type { KeyName, Storage } from './storage.js';
import { databaseCount } from './system-database.js';
import { WriteStamp } from './write-stamp.js';

/** A snapshot's batches are about this large. */
const snapshotBatchBytes = 256 * 1024;

/** For one of many in a process, and for tests. */
export interface MemoryStorageOptions {
  /** See `Arena`. */
  readonly firstChunkBytes?: number;
  /** A snapshot's batches are about this large. */
  readonly snapshotBatchBytes?: number;
}

/** Keys that a snapshot looks at in one go. */
const snapshotPageKeys = 256;

export class MemoryStorage implements Storage {
  readonly scanStart = 0;
  readonly stamp = new WriteStamp();
  readonly durablePosition = 0;
  readonly isAllResident: boolean = true;
  readonly needsJournal = false;
  readonly failure = null;
  readonly isStuck = false;
  readonly pendingBytes = 0;
  cacheBytes = 0;
  readonly departures = 0;
  /** It has no disk, but may be the memory of a storage that has. */
  syncLog: (() => Promise<void>) | null = null;
  /** What its databases share: for a storage that is built around this one. */
  readonly context: DatabaseContext;
  readonly #databases: Database[] = [];
  readonly #applier: MutationApplier;
  /** How many swaps there were: a snapshot notices. */
  swaps = 0;
  releases = 0;
  readonly #scratch: number[] = [];
  readonly #snapshotBatchBytes: number;
  /** A write goes on beyond its turn: resolves when it is whole. */
  #longWrite: Promise<void> | null = null;

  /** `random` seeds the hash of keys. `residency` is for a storage that is built around this one. */
  constructor(random: Random, residency: Residency | null = null, options: MemoryStorageOptions = {}) {
    this.#snapshotBatchBytes = options.snapshotBatchBytes ?? snapshotBatchBytes;
    this.context = {
      stamp: this.stamp,
      seed: random.uint32() | 0,
      journal: null,
      observer: null,
      creations: null,
      residency,
      snapshots: 0,
      renamed: [],
      firstChunkBytes: options.firstChunkBytes,
      released: [],
      tracksAccess: false,
    };
    for (let i = 0; i < databaseCount; i++) this.#databases.push(new Database(i, this.context));
    this.#applier = new MutationApplier(this);
  }

  get journal(): MutationWriter | null {
    return this.context.journal;
  }

  set journal(journal: MutationWriter | null) {
    this.context.journal = journal;
  }

  get creations(): CreationListener | null {
    return this.context.creations;
  }

  set creations(creations: CreationListener | null) {
    this.context.creations = creations;
  }

  get observer(): KeyspaceObserver | null {
    return this.context.observer;
  }

  set observer(observer: KeyspaceObserver | null) {
    this.context.observer = observer;
  }

  database(index: number): Database {
    return this.#databases[index];
  }

  swap(a: number, b: number): void {
    if (a === b) return;
    const first = this.#databases[a];
    const second = this.#databases[b];
    const version = this.stamp.current();
    this.context.journal?.begin(mutationKinds.swapDatabases, a, version, Buffer.alloc(0), 0, 0);
    this.context.journal?.byte(b);
    this.context.observer?.replaced(first, second);
    this.context.observer?.replaced(second, first);
    this.#databases[a] = second;
    this.#databases[b] = first;
    second.index = a;
    first.index = b;
    first.removalVersion = version;
    second.removalVersion = version;
    this.swaps++;
    this.context.residency?.swapped(a, b);
  }

  isResident(_database: number, _bytes: Uint8Array, _start: number, _length: number): boolean {
    return true;
  }

  isResidentFor(): boolean {
    return true;
  }

  loadElements(): Promise<void> | null {
    return null;
  }

  isComplete(): boolean {
    return true;
  }

  async load(_keys: readonly KeyName[]): Promise<void> {}

  loadSome(_keys: readonly KeyName[]): Promise<void> | null {
    return null;
  }

  keyCount(database: number): number {
    return this.#databases[database].size;
  }

  prepareScan(_database: number, _cursor: number, _count: number): Promise<void> | null {
    return null;
  }

  prepareSample(_database: number): Promise<void> | null {
    return null;
  }

  visitSample(database: number, random: Random, visit: (ref: number) => void): void {
    const { dict, size } = this.#databases[database];
    if (size > 0) visit(dict.random(() => random.uint32()));
  }

  prepareNames(_database: number, _selection: NameSelection): Promise<void> | null {
    return null;
  }

  coldNames(_database: number, _selection: NameSelection): KeyNames {
    return noNames;
  }

  prepareExpired(_nowMs: number): Promise<void> | null {
    return null;
  }

  prepareApply(_batch: Uint8Array): Promise<void> | null {
    return null;
  }

  scanPage(database: number, cursor: number, count: number, visit: (ref: number) => void): number {
    const refs = this.#scratch;
    refs.length = 0;
    const next = this.#databases[database].dict.scan(cursor, count, refs);
    for (const ref of refs) visit(ref);
    return next;
  }

  isScanned(database: number, cursor: number, bytes: Uint8Array, start: number, length: number): boolean {
    return this.#databases[database].dict.isScanned(cursor, bytes, start, length);
  }

  /** `effects` gets the mutations that changed something. */
  apply(batch: Uint8Array, _position: number, effects: MutationWriter | null = null): void {
    const { journal } = this.context;
    this.context.journal = null;
    try {
      this.#applier.apply(batch, effects);
    } finally {
      this.context.journal = journal;
    }
  }

  staged(_batch: Uint8Array): void {}

  committed(_position: number): void {}

  snapshot(): AsyncIterable<Uint8Array> {
    return this.#describeAll(this.context.renamed.length, false);
  }

  /** As `snapshot`, after another part was taken; `renamedBefore` is the number of `context.renamed` before that. */
  snapshotAfter(renamedBefore: number): AsyncIterable<Uint8Array> {
    return this.#describeAll(renamedBefore, true);
  }

  async *#describeAll(renamedBefore: number, isAgain: boolean): AsyncGenerator<Uint8Array> {
    const { renamed } = this.context;
    const reading = new SnapshotReading(this.#snapshotBatchBytes, isAgain);
    const pageKeys = Math.min(snapshotPageKeys, this.#snapshotBatchBytes);
    const { swaps } = this;
    const refs: Ref[] = [];
    this.context.snapshots++;
    try {
      for (let index = 0; index < databaseCount; index++) {
        for (let cursor = 0, isFirst = true; isFirst || cursor !== 0; isFirst = false) {
          await this.#settled(swaps);
          refs.length = 0;
          const database = this.#databases[index];
          cursor = this.scanPage(index, cursor, pageKeys, (ref) => refs.push(ref));
          reading.describe(database, refs);
          while (reading.isFull) {
            yield reading.take();
            await this.#settled(swaps);
            reading.describeLeft(database);
          }
        }
      }
      for (let i = renamedBefore; i < renamed.length; i++) {
        await this.#settled(swaps);
        reading.describeRenamed(renamed[i].database, renamed[i].key);
        if (reading.isFull) yield reading.take();
      }
      if (!reading.isEmpty) yield reading.take();
    } finally {
      this.endSnapshot();
    }
  }

  /** No write is half done. Throws KvError INVALID when databases were swapped since there were so many swaps. */
  async #settled(swaps: number): Promise<void> {
    while (this.#longWrite !== null) await this.#longWrite;
    this.assertNotSwapped(swaps);
  }

  /** For a snapshot that began after so many swaps. Throws KvError INVALID. */
  assertNotSwapped(swaps: number): void {
    if (this.swaps !== swaps) throw new KvError('INVALID', 'databases were swapped during a snapshot');
  }

  beginLongWrite(): () => void {
    let end = (): void => {};
    const longWrite = new Promise<void>((resolve) => {
      end = () => {
        if (this.#longWrite === longWrite) this.#longWrite = null;
        resolve();
      };
    });
    this.#longWrite = longWrite;
    return end;
  }

  /** One less is being taken. */
  endSnapshot(): void {
    const { context } = this;
    if (--context.snapshots === 0) context.renamed.length = 0;
  }

  get unreleased(): number {
    return this.context.released.length;
  }

  releaseSome(budget: number): boolean {
    const { released } = this.context;
    while (released.length > 0) {
      const collection = released[released.length - 1] as Collection;
      if (!collection.release(budget)) return false;
      released.pop();
      this.releases++;
    }
    return true;
  }

  trackAccess(tracksAccess: boolean): void {
    if (this.context.tracksAccess === tracksAccess) return;
    this.context.tracksAccess = tracksAccess;
    for (const { dict } of this.#databases) dict.trackAccess(tracksAccess);
  }

  get usedBytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.#databases.length; i++) bytes += this.#databases[i].usedBytes;
    return bytes;
  }

  get freeBytes(): number {
    let bytes = 0;
    for (const { arena } of this.#databases) bytes += arena.freeBytes;
    return bytes;
  }

  admitWrite(): Promise<void> | null {
    return null;
  }

  letGoSome(_looks: number): boolean {
    return true;
  }

  async flush(): Promise<void> {}

  async finish(): Promise<void> {}

  async close(): Promise<void> {}
}
