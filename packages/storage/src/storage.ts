/**
 * The state at a position of the log.
 *
 * Lookups are synchronous, for what is resident; `load` makes keys resident, or known to be absent, so
 * that a command handler is plain synchronous code. In MemoryStorage everything is resident always. In
 * LevelStorage the number of keys may exceed memory, and opening costs no scan.
 *
 * Who writes, in order: `stamp.reset`, changes through `database(i)`, which end up in `journal`; the
 * batch of a turn goes to the log; when it is committed there, `committed` tells the storage, which may
 * now write its own copy behind, after `syncLog`. The journal holds what is not staged yet, and is cleared after. A storage
 * without a log has no journal, unless it needs one.
 *
 * A key must be resident when it is read or written: who writes a key that is not, loses track of what the
 * disk has of it.
 */
import type { KvError, Random } from '@holdfast/common';
import type { Database } from './database.js';
import type { CreationListener, KeyspaceObserver } from './database-context.js';
import type { KeyNames, NameSelection } from './key-names.js';
import type { MutationWriter } from './mutation.js';
import type { ElementNames } from './partial-elements.js';
import type { WriteStamp } from './write-stamp.js';

/** A key as it is asked for: views are copied before the call returns. */
export interface KeyName {
  readonly database: number;
  readonly key: Uint8Array;
}

export interface Storage {
  readonly stamp: WriteStamp;
  /** Changes are recorded here when set. */
  journal: MutationWriter | null;
  /**
   * Brings to the disk what the log says is committed, where that may not be there yet: awaited before the storage writes
   * any of it to its own disk, which would otherwise have what a power cut took from the log. Rejects when it fails.
   */
  syncLog: (() => Promise<void>) | null;
  observer: KeyspaceObserver | null;
  /** Set only while a command runs. */
  creations: CreationListener | null;
  /** Everything up to this position of the log is in the state that a restart would find without the log. */
  readonly durablePosition: number;

  /** Database `index`, 0 to 15, or `systemDatabase`. The object stays the same for the storage's life, but see `swap`. */
  database(index: number): Database;
  /** Exchanges two databases: their Database objects change places and indexes. */
  swap(a: number, b: number): void;

  /** All keys are resident, always. */
  readonly isAllResident: boolean;
  /** Whether lookups of a key are exact without `load`. Synchronous, cheap. */
  isResident(database: number, bytes: Uint8Array, start: number, length: number): boolean;
  /** Makes keys resident, or known to be absent, in one batch. They stay so until the next turn at least. */
  load(keys: readonly KeyName[]): Promise<void>;
  /**
   * As `load`, together with what others ask for in the same turn, who get the same promise. It may resolve when some
   * are resident, while large values still take their time: who needs all asks `isResident` again. Null when they are
   * resident by now, and until the turn ends.
   */
  loadSome(keys: readonly KeyName[]): Promise<void> | null;
  /**
   * As `isResident`, for who reads and changes no other elements of the key's value than these, and removes none: then a
   * large hash, set or sorted set need not be there as a whole. With no elements: for who wants but the key, its type,
   * version and expiry, or removes it.
   */
  isResidentFor(
    database: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    elements: ElementNames,
  ): boolean;
  /** As `loadSome`, for what `isResidentFor` asks: who needs it asks that again. Views are copied before the call returns. */
  loadElements(keys: readonly KeyName[], elements: ElementNames): Promise<void> | null;
  /** Whether all keys of a database are resident. */
  isComplete(database: number): boolean;
  /** Number of keys of a database, resident or not. */
  keyCount(database: number): number;
  /**
   * Makes the next page of a scan resident: what `scanPage` with the same arguments then returns. Null
   * when it already is; otherwise resolves when it is. `wants`: who wants the keys alone needs no elements of their
   * values, as with `loadElements`.
   */
  prepareScan(
    database: number,
    cursor: number,
    count: number,
    wants?: 'keys' | 'values',
  ): Promise<void> | null;
  /**
   * Calls `visit` with the record of at least `count` keys (fewer at the end, and where large values had to be made
   * resident) from `cursor` on, and returns the next cursor, 0 at the end. A key that is there during a whole scan is
   * always visited.
   */
  scanPage(database: number, cursor: number, count: number, visit: (ref: number) => void): number;

  /**
   * Makes keys of a database resident that were chosen at random, for `visitSample`: at least one that has not expired, if
   * there is any and not all keys are resident. Null when they are; otherwise resolves when they are.
   */
  prepareSample(database: number): Promise<void> | null;
  /** Calls `visit` with the record of a key that was chosen at random, or of some; of none when there is none. */
  visitSample(database: number, random: Random, visit: (ref: number) => void): void;

  /**
   * Gathers the names of the keys that are not resident, for `coldNames` of the same selection, without making them
   * resident. Null when they are there; otherwise resolves when they are.
   */
  prepareNames(database: number, selection: NameSelection): Promise<void> | null;
  /** The names that were prepared, of keys that are not resident as of now. Of those that are, the database knows. */
  coldNames(database: number, selection: NameSelection): KeyNames;

  /** Where a scan begins of which `isScanned` is asked, and that visits no key twice that stays where it is. */
  readonly scanStart: number;
  /**
   * Whether a scan that began at `scanStart` and goes on from `cursor` has been where a key is, or would be, already. For
   * whoever copies what is there page by page, while others write.
   */
  isScanned(database: number, cursor: number, bytes: Uint8Array, start: number, length: number): boolean;

  /**
   * Makes keys resident that expired at `nowMs` or before, some hundred at a time, so that their databases'
   * `expiries` find them. Null when there are none; otherwise resolves when they are. For whoever
   * removes expired keys.
   */
  prepareExpired(nowMs: number): Promise<void> | null;

  /**
   * Makes resident what `apply` of this batch needs; null when it already is. `batch` must stay untouched
   * until it resolves. `isNext`: the state is the very one that the batch was written on, so that what its records say of
   * their keys' former state is true here, and spares a look at the disk.
   */
  prepareApply(batch: Uint8Array, isNext?: boolean): Promise<void> | null;
  /**
   * Applies a batch of mutations that others made, at its position of the log, after `prepareApply` of it.
   * Atomic; applying it again, or over a newer state, changes nothing. The position is that of the last
   * batch applied: for all but the last of a snapshot's batches 0, so that a half restored storage does
   * not claim to be more.
   */
  apply(batch: Uint8Array, position: number): void;
  /** Whether changes must be journaled even without a log: the storage itself lives on the batches. */
  readonly needsJournal: boolean;
  /**
   * The journal's content of a turn, about to be handed to the log. Called synchronously, while the state
   * is exactly what the batch leads to. `batch` is not kept.
   */
  staged(batch: Uint8Array): void;
  /** The oldest staged batch is committed in the log, at `position`: it may be written to the storage's own disk. */
  committed(position: number): void;
  /**
   * All keys as batches of mutations, readable by `apply`. Writes may go on: what they change after the
   * call began may or may not be in it, so the log from `position()` at that time has to be applied after.
   * Ends with KvError INVALID when databases were swapped meanwhile: begin again.
   */
  snapshot(): AsyncIterable<Uint8Array>;
  /**
   * A write goes on beyond its turn. Until what this returns is called snapshots wait: a key that is described with one half
   * of a write has its version already, and would never get the other one from the log.
   */
  beginLongWrite(): () => void;

  /** Gives memory of removed values back, for about `budget` elements; true when nothing is left to do. */
  releaseSome(budget: number): boolean;
  /** Removed values whose memory is still to be given back by `releaseSome`, and how many it gave back so far. */
  readonly unreleased: number;
  readonly releases: number;
  /**
   * Begins to remember when and how often resident keys are accessed, or forgets it and ceases to: the words that
   * `Dict.access` keeps. The storage gives them no meaning.
   */
  trackAccess(tracksAccess: boolean): void;
  /** Bytes taken by keys and values, indexes and all. Cheap: may be asked before each command. */
  readonly usedBytes: number;
  /** Bytes that keys and values took and take no more, kept for others: the process has them still. */
  readonly freeBytes: number;
  /** Bytes of changes that are still to be written to the storage's own disk: writers should hold back when it grows. */
  readonly pendingBytes: number;
  /**
   * Null when a write may come; otherwise more is pending than its disk can take at once, and the writer is to ask again
   * when it resolves.
   */
  admitWrite(): Promise<void> | null;
  /**
   * What is resident may take so many bytes, `usedBytes` without what is pending; 0 for any number. More than that is
   * let go by `letGoSome`, but not what the disk does not have yet. Of no concern to a storage that is in memory.
   */
  cacheBytes: number;
  /**
   * Lets resident keys go that were not accessed lately, while they take more than `cacheBytes`: looks at `looks` of
   * them at most. They can be loaded again as they are: it is no change, and nobody is told. Between turns only. True
   * when nothing is left to do, or nothing can be done now.
   */
  letGoSome(looks: number): boolean;
  /** How many keys were let go so far. */
  readonly departures: number;
  /**
   * Why the storage's own disk does not take what was committed; null when it does. Nothing is lost and it
   * is tried again and again, but what is pending grows: writes should be refused meanwhile.
   */
  readonly failure: KvError | null;
  /** There is a failure, and as much is pending as may be: whoever can't refuse a write should wait with it. */
  readonly isStuck: boolean;
  /** Waits until what was committed is written. Throws what `failure` says. */
  flush(): Promise<void>;
  /** As `flush`, before the end: little of it may stay in a log that has a `syncLog`, for the next life. */
  finish(): Promise<void>;
  close(): Promise<void>;
}
