/**
 * How a server that stands alone keeps its data on the disk: whole copies when they are asked for, and a log that is
 * switched on and off while it runs.
 *
 *     with a log       a copy belongs to positions of the log, which it makes shorter: `Snapshotter`
 *     level storage    the data is on the disk anyway: a copy means that all of it is
 *     memory, no log   a copy is whole by itself: it ends with what was written while it was taken, and is loaded by
 *                      the next start
 *
 * With memory storage SAVE, BGSAVE and save points write an RDB file besides, for Redis: `redisFile`.
 *
 * A log that is switched on begins with such a copy:
 *
 *     writes     | ... | recorded ............................ | appended
 *     snapshot         [ all keys ........ | what was recorded ]  durable
 *                                                              ^ what was recorded since goes to the log first
 *
 * Until then the directory holds what it held before. A log that is switched off stays as it is.
 */
import { KvError } from '@holdfast/common';
import { type LogControl, replaceContents, type Snapshots } from '@holdfast/engine';
import type { FsyncPolicy } from '@holdfast/log';
import { databaseCount, type Storage } from '@holdfast/storage';
import { CommitPath } from './commit-path.js';
import type { Committer } from './committer.js';
import type { HistoryBounds } from './history/bounds.js';
import type { History } from './history/history.js';
import type { KeptLog } from './kept-log.js';
import { loggedBackup, type Moment, unloggedBackup } from './live-backup.js';
import type { LocalCommitter } from './local-committer.js';
import type { PersistenceOptions, RedisFile } from './persistence-options.js';
import type { SnapshotStream } from './replicated/snapshot-source.js';
import { SavePoints } from './save-points.js';
import type { SnapshotFiles } from './snapshot-files.js';
import { Snapshotter } from './snapshotter.js';
import { WholeCopies } from './whole-copies.js';

export class Persistence implements Snapshots, LogControl {
  /** Written by whoever asks for a copy of memory storage; null for none. */
  redisFile: RedisFile | null = null;
  hasFailed = false;
  readonly #options: PersistenceOptions;
  readonly #path: CommitPath;
  readonly #copies: WholeCopies;
  readonly #savePoints: SavePoints;
  /** Open, whether it is on or not. */
  #log: KeptLog | null;
  /** With a log that is on. */
  #snapshotter: Snapshotter | null;
  /** A copy and the file for Redis, and when and what the last one saved. */
  #saving: Promise<void> | null = null;
  #savedMs = 0;
  #savedWrites = 0;
  /** Something needs for itself who commits, and the log: a backup, or what is awaited before the end. */
  #isTurning = false;
  #turning: Promise<void> | null = null;
  /** While somebody else keeps the log: how a copy is had. */
  #lent: Snapshots | null = null;

  constructor(options: PersistenceOptions) {
    const { env, onError } = options;
    this.#options = options;
    this.#path = new CommitPath(options);
    this.#copies = new WholeCopies({ ...options, path: this.#path, log: () => this.#log });
    this.#log = options.log;
    this.#snapshotter = options.log === null ? null : this.#shorten(options.log);
    this.#savePoints = new SavePoints({
      env,
      points: options.savePoints,
      lastCopy: () => ({
        finishedMs: this.#copies.lastFinishedMs,
        writesSince: this.#path.storage.stamp.writes - this.savedWrites,
      }),
      isFree: () => this.#snapshotter === null && this.#lent === null && !this.#isTurning && !this.isRunning,
      save: () => this.take(),
      onError,
    });
  }

  /** The log that is on; null for none. */
  get log(): KeptLog | null {
    return this.#snapshotter === null ? null : this.#log;
  }

  // Snapshots

  get isRunning(): boolean {
    if (this.#lent !== null) return this.#lent.isRunning;
    // None can begin then, and a copy of all data is being taken, too.
    if (this.#isTurning && this.#snapshotter === null) return true;
    return this.#saving !== null || this.#copies.running !== null || this.#snapshotter?.isRunning === true;
  }

  get lastFinishedMs(): number {
    if (this.#savesForRedis) return this.#savedMs;
    const copiedMs = this.#copies.lastFinishedMs;
    return Math.max(copiedMs, this.#snapshotter?.lastFinishedMs ?? 0, this.#lent?.lastFinishedMs ?? 0);
  }

  get savedWrites(): number {
    if (this.#savesForRedis) return this.#savedWrites;
    const { savedWrites } = this.#copies;
    return Math.max(savedWrites, this.#snapshotter?.savedWrites ?? 0, this.#lent?.savedWrites ?? 0);
  }

  get history(): History | null {
    return this.#options.history.current;
  }

  take(forLog = false): Promise<void> {
    if (forLog || !this.#savesForRedis) return this.#take();
    this.#saving ??= this.#save().finally(() => {
      this.#saving = null;
    });
    return this.#saving;
  }

  get #savesForRedis(): boolean {
    return this.redisFile !== null && this.#options.snapshots !== null && this.#lent === null;
  }

  async #save(): Promise<void> {
    const { writes } = this.#path.storage.stamp;
    try {
      await this.#take();
      await this.redisFile?.write(() => this.#path.settled());
      this.#savedMs = this.#options.env.clock.now();
      this.#savedWrites = writes;
      this.hasFailed = false;
    } catch (error) {
      this.hasFailed = true;
      throw error;
    }
  }

  #take(): Promise<void> {
    if (this.#lent !== null) return this.#lent.take();
    if (this.#snapshotter !== null) return this.#snapshotter.take();
    if (this.#isTurning)
      return Promise.reject(new KvError('INVALID', 'a backup is being taken, or the log switched on or off'));
    return this.#copies.take();
  }

  /** See `live-backup.ts`. Throws KvError INVALID while the log is replicated, UNAVAILABLE while one is taken. */
  async backup(): Promise<SnapshotStream> {
    this.#throwWhenLent();
    this.#throwWhenCopied();
    let end: Moment = { position: 0, version: 0 };
    const batches =
      this.#snapshotter === null
        ? this.#unloggedBackup()
        : loggedBackup(this.#path, this.#log!, this.#snapshotter, this.#options.env.timers);
    const counted = async function* (): AsyncGenerator<Uint8Array, void, void> {
      end = yield* batches;
    };
    return { from: 0, batches: counted(), to: () => end.position, version: () => end.version };
  }

  async *#unloggedBackup(): AsyncGenerator<Uint8Array, Moment, void> {
    // Now it begins: others may have begun since it was asked for.
    this.#throwWhenCopied();
    this.#isTurning = true;
    try {
      return yield* unloggedBackup(this.#path);
    } finally {
      this.#isTurning = false;
    }
  }

  #throwWhenCopied(): void {
    if (this.#isTurning || this.#copies.running !== null)
      throw new KvError('UNAVAILABLE', 'a copy is being taken, or the log switched: try again');
  }

  // LogControl

  async turn(on: boolean): Promise<void> {
    this.#throwWhenLent();
    if (on === (this.#snapshotter !== null)) return;
    if (this.#isTurning || this.isRunning) throw new KvError('INVALID', 'a snapshot is being taken');
    await this.#alone(() => (on ? this.#turnOn() : this.#turnOff()));
  }

  async reread(): Promise<void> {
    const { snapshots } = this.#options;
    if (snapshots === null) throw new KvError('INVALID', 'level storage is not read as a whole');
    this.#throwWhenLent();
    this.#throwWhenTurning();
    await this.#alone(() => this.#reread(snapshots));
  }

  /** Keeps a history within these bounds from now on, or none. Throws KvError INVALID while the log is switched, DISK. */
  async turnHistory(bounds: HistoryBounds): Promise<void> {
    const { history } = this.#options;
    const before = history.bounds;
    history.bounds = bounds;
    try {
      if (history.isWanted === (history.current !== null)) return;
      if (this.#isTurning || this.#copies.running !== null)
        throw new KvError('INVALID', 'the log is being switched on or off, or a copy is being taken');
      await this.#alone(() => this.#turnHistory());
    } catch (error) {
      history.bounds = before;
      throw error;
    }
  }

  /** How the log is synced from now on. */
  syncLog(policy: FsyncPolicy): void {
    if (this.#log !== null) this.#log.fsync = policy;
  }

  // The log in other hands

  /** Keeps the log no more, which somebody else does: `snapshots`. Throws KvError INVALID while it is switched. */
  async lend(snapshots: Snapshots): Promise<void> {
    this.#throwWhenTurning();
    const snapshotter = this.#snapshotter;
    this.#lent = snapshots;
    this.#snapshotter = null;
    await this.#options.history.stop('the log is replicated');
    await this.#copies.running?.catch(() => {});
    await this.#shortenNoMore(snapshotter);
  }

  /** Keeps a log again, that `committer` writes, of what is in `storage` now. */
  takeBack(log: KeptLog, committer: LocalCommitter, storage: Storage): void {
    const { history, onError } = this.#options;
    this.#lent = null;
    this.#log = log;
    this.#path.takeBack(storage, committer);
    this.#snapshotter = this.#shorten(log);
    history.beginOnLog(log, storage.stamp).catch(onError);
  }

  /** Who writes the log, while it is not lent. */
  get committer(): Committer {
    return this.#path.committer;
  }

  /** The server ends within a write: what was not handed over is to be forgotten. */
  get isAbandoned(): boolean {
    return this.#path.committer.isAbandoned;
  }

  /** Resolves when nothing is under way that uses the directory, but for the log. */
  async close(): Promise<void> {
    await this.#savePoints.close();
    await this.#turning?.catch(() => {});
    await this.#saving?.catch(() => {});
    await this.#copies.running?.catch(() => {});
    await this.#snapshotter?.close();
  }

  /** After `close`, and once nothing is written any more. */
  async closeLog(): Promise<void> {
    await this.#log?.close();
  }

  // The log

  /** Runs what needs for itself who commits, and the log. */
  async #alone(body: () => Promise<void>): Promise<void> {
    this.#isTurning = true;
    try {
      this.#turning = body();
      await this.#turning;
    } finally {
      this.#turning = null;
      this.#isTurning = false;
    }
  }

  async #turnOn(): Promise<void> {
    const { claim, history, onError, openLog, snapshots } = this.#options;
    const { storage } = this.#path;
    if (snapshots === null) throw new KvError('INVALID', 'level storage gets a log only when it is started');
    await claim();
    this.#log ??= await openLog();
    const log = this.#log;
    const recorder = await this.#copies.begin(log.committedPosition);
    await this.#path.settled();
    const recorded = recorder.take();
    const begun = history.beginOnLog(log, storage.stamp);
    const committer = this.#path.appendTo(log);
    for (const batch of recorded) {
      storage.journal!.copy(batch, 0, batch.length);
      committer.settle();
    }
    this.#snapshotter = this.#shorten(log);
    // The log is on all the same.
    await begun.catch(onError);
  }

  async #turnOff(): Promise<void> {
    const snapshotter = this.#snapshotter;
    await this.#options.history.stop('the log is switched off');
    await this.#commitWithoutLog();
    this.#snapshotter = null;
    await this.#shortenNoMore(snapshotter);
  }

  async #reread(snapshots: SnapshotFiles): Promise<void> {
    const { history, replaceData } = this.#options;
    const { storage } = this.#path;
    await (this.#snapshotter === null ? this.#copies.running : this.isRunning && this.#snapshotter.take());
    const newest = await snapshots.newest();
    const batches: Uint8Array[] = [];
    if (newest !== null) for await (const batch of snapshots.read(newest)) batches.push(batch);
    if (this.#snapshotter !== null) await this.#readLog(newest?.from ?? 0, batches);
    else if (newest === null) throw new KvError('INVALID', 'nothing was saved yet');
    else await this.#path.settled();
    replaceData(() => replaceContents(storage, databaseCount, batches));
    // Nobody was told of what changed.
    if (this.#snapshotter === null && history.isWanted) await this.#commitWithoutLog();
  }

  /** Adds what the log has after `from`, until there is no more. */
  async #readLog(from: number, batches: Uint8Array[]): Promise<void> {
    const log = this.#log!;
    for (let at = from; ; ) {
      await this.#path.settled();
      if (log.committedPosition === at && this.#path.committer.position === at) return;
      for await (const { position, batch } of log.read(at + 1)) {
        batches.push(batch);
        at = position;
      }
    }
  }

  async #turnHistory(): Promise<void> {
    const { history } = this.#options;
    if (this.#lent !== null) {
      await history.turnReplicated();
    } else if (this.#snapshotter === null) {
      await this.#commitWithoutLog();
    } else if (history.isWanted) {
      await this.#path.settled();
      await history.beginOnLog(this.#log!, this.#path.storage.stamp);
    } else {
      await history.stop('history-bytes is 0');
    }
  }

  async #commitWithoutLog(): Promise<void> {
    const { history } = this.#options;
    await this.#path.keepInMemory(() => history.beginInMemory(this.#path.storage.stamp));
  }

  #shorten(log: KeptLog): Snapshotter {
    const { env, history, onError, snapshots } = this.#options;
    const { committer, storage } = this.#path;
    return new Snapshotter({ storage, log, committer, snapshots, history, env, onError });
  }

  async #shortenNoMore(snapshotter: Snapshotter | null): Promise<void> {
    await snapshotter?.close();
    this.#copies.lastFinishedMs = Math.max(this.#copies.lastFinishedMs, snapshotter?.lastFinishedMs ?? 0);
  }

  #throwWhenLent(): void {
    if (this.#lent !== null) throw new KvError('INVALID', 'the log is replicated: make it local first');
  }

  #throwWhenTurning(): void {
    if (this.#isTurning) throw new KvError('INVALID', 'the log is being switched on or off');
  }
}
