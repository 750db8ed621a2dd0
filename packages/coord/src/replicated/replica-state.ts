/**
 * The data of a replica: a storage at a position of the log, and where it can be had from again.
 *
 *     nothing --- own snapshot or own disk ---> position p --- log ---> tail
 *        \------- snapshot of another node --->/                        when the log begins after p
 *
 * A snapshot that was taken while writes went on is whole only once the log up to its end is applied: until then
 * nobody may see the state (`isWhole`).
 */
import { type Env, KvError } from '@holdfast/common';
import type { Log, LogEntry, Position } from '@holdfast/log';
import { type Storage, systemDatabase } from '@holdfast/storage';
import type { KeptHistory } from '../history/kept-history.js';
import type { SnapshotFiles } from '../snapshot-files.js';
import { type LeadershipRecord, shardRecordOf } from './leadership.js';
import type { SnapshotSource, SnapshotStream } from './snapshot-source.js';

/** Where a replica keeps its data. */
export interface ReplicaPlace {
  /** Opens the storage as it was left. */
  openStorage(): Promise<Storage>;
  /** Opens an empty one, in place of what was there. */
  resetStorage(): Promise<Storage>;
  /** Snapshots of a storage in memory, on this node's disk; null for one that writes its own. */
  readonly snapshots: SnapshotFiles | null;
}

export interface ReplicaStateOptions {
  readonly shard: string;
  readonly env: Env;
  readonly log: Log;
  readonly place: ReplicaPlace;
  readonly source: SnapshotSource;
  /** Something was wrong, and there was another way. */
  readonly onError: (error: unknown) => void;
}

export class ReplicaState {
  #storage: Storage | null = null;
  /** The state is that of this position of the log, once it is whole. */
  position: Position = 0;
  /** Bytes of the log that came to it since it was opened, or was taken from elsewhere. */
  appliedBytes = 0;
  /** How often this node's own disk was not enough: the state was taken from elsewhere, or a snapshot there was damaged. */
  fetches = 0;
  /** Is told of the entries that are applied. */
  history: KeptHistory | null = null;
  readonly #options: ReplicaStateOptions;
  #wholeFrom: Position = 0;

  protected constructor(options: ReplicaStateOptions) {
    this.#options = options;
  }

  /** Throws KvError CORRUPT, UNAVAILABLE, DISK. */
  static async open(options: ReplicaStateOptions): Promise<ReplicaState> {
    const state = new this(options);
    try {
      await state.#open();
      return state;
    } catch (error) {
      // It may be tried again: nothing of this time is in the way then.
      await state.#storage?.close().catch(options.onError);
      throw error;
    }
  }

  /** A storage that is in use already, and whole. */
  static over(storage: Storage, position: Position, options: ReplicaStateOptions): ReplicaState {
    const state = new ReplicaState(options);
    state.#storage = storage;
    state.position = position;
    return state;
  }

  get storage(): Storage {
    return this.#storage!;
  }

  get isWhole(): boolean {
    return this.position >= this.#wholeFrom;
  }

  /** The leader appended up to here what is in the storage already. */
  advance(position: Position, bytes: number): void {
    this.position = position;
    this.appliedBytes += bytes;
  }

  /** Applies the next entry. Throws KvError CORRUPT when it is another one. */
  async apply({ position, batch }: LogEntry): Promise<void> {
    this.checkNext(position);
    await this.storage.prepareApply(batch);
    this.storage.apply(batch, position);
    this.advance(position, batch.length);
    this.history?.replicated?.committed(batch, position);
  }

  /** Entries are contiguous, or the reader says which is missing. */
  protected checkNext(position: Position): void {
    if (position === this.position + 1) return;
    throw new KvError('CORRUPT', `the log has position ${position} after ${this.position}`);
  }

  /** Gives up what is in memory, which may hold more than the log: as it was left on the disk, or anew. */
  async rebuild(): Promise<void> {
    await this.storage.close();
    await this.#open();
  }

  /**
   * Takes the state from another node, because the log does not reach back to this one. Throws KvError UNAVAILABLE,
   * CORRUPT; then there is either what was there before, or nothing.
   */
  async fetch(): Promise<void> {
    const { shard, source } = this.#options;
    const stream = await source.fetch(shard, this.position);
    try {
      await this.#empty();
    } catch (error) {
      await stream.close?.();
      throw error;
    }
    try {
      await this.#restore(stream);
    } catch (error) {
      await this.#empty();
      throw error;
    }
    this.fetches++;
    await this.storage.prepareScan(systemDatabase, 0, Number.POSITIVE_INFINITY);
  }

  /** What was said of who leads at the end of the snapshot that this state began with, if anything. */
  lastRecord: LeadershipRecord | null = null;

  async #open(): Promise<void> {
    const { place } = this.#options;
    this.#storage = await place.openStorage();
    this.position = this.storage.durablePosition;
    this.#wholeFrom = this.position;
    this.appliedBytes = 0;
    if (place.snapshots !== null) await this.#restoreOwn(place.snapshots);
    await this.storage.prepareScan(systemDatabase, 0, Number.POSITIVE_INFINITY);
  }

  /**
   * From this node's disk. A snapshot that is damaged there is as if it were not: others have the same. It is set aside, so
   * that nobody counts on it.
   */
  async #restoreOwn(snapshots: SnapshotFiles): Promise<void> {
    await snapshots.removeUnfinished();
    const newest = await snapshots.newest();
    if (newest === null || newest.from <= this.position) return;
    const batches = snapshots.read(newest);
    try {
      await this.#restore({ from: newest.from, to: () => newest.to, batches });
    } catch (error) {
      if (!(error instanceof KvError) || error.code !== 'CORRUPT') throw error;
      this.#options.onError(error);
      await this.#empty();
      this.fetches++;
      await snapshots.setAside(newest);
    }
  }

  async #empty(): Promise<void> {
    await this.storage.close();
    this.#storage = await this.#options.place.resetStorage();
    this.position = 0;
    this.#wholeFrom = 0;
    this.appliedBytes = 0;
    this.lastRecord = null;
  }

  async #restore({ batches, from, to }: SnapshotStream): Promise<void> {
    let last: Uint8Array | null = null;
    for await (const batch of batches) {
      if (last !== null) await this.#restoreBatch(last, 0);
      last = batch;
    }
    this.#wholeFrom = to();
    if (last !== null) await this.#restoreBatch(last, from);
    this.position = from;
  }

  async #restoreBatch(batch: Uint8Array, position: Position): Promise<void> {
    const record = shardRecordOf(batch);
    if (record?.kind === 'leader') this.lastRecord = record;
    await this.storage.prepareApply(batch);
    this.storage.apply(batch, position);
  }
}
