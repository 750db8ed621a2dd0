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
import { type Env, KvError } from '@holdfast/common';
import { type LogControl, replaceContents, type Snapshots } from '@holdfast/engine';
import type { FsyncPolicy } from '@holdfast/log';
import { BatchWrites, databaseCount, type Storage } from '@holdfast/storage';
import type { Committer } from './committer.js';
import type { HistoryBounds } from './history/bounds.js';
import type { History } from './history/history.js';
import type { KeptHistory } from './history/kept-history.js';
import type { KeptLog } from './kept-log.js';
import { LocalCommitter } from './local-committer.js';
import { RecordingCommitter } from './recording-committer.js';
import type { SnapshotStream } from './replicated/snapshot-source.js';
import type { SnapshotFiles } from './snapshot-files.js';
import { Snapshotter } from './snapshotter.js';

const savePointIntervalMs = 1000;

/** At least so many writes, at least so many seconds after the last copy. */
export interface SavePoint {
  readonly seconds: number;
  readonly writes: number;
}

export interface PersistenceOptions {
  readonly env: Env;
  readonly storage: Storage;
  readonly committer: LocalCommitter;
  /** Goes with the log: where that changes, it begins anew. */
  readonly history: KeptHistory;
  /** The log that is on from the start. */
  readonly log: KeptLog | null;
  /** Null for a storage that writes its own disk. */
  readonly snapshots: SnapshotFiles | null;
  /** When to take a copy without being asked, without a log. */
  readonly savePoints: () => readonly SavePoint[];
  /** Makes the directory this server's own, where it is not yet. Throws KvError when it can't be. */
  readonly claim: () => Promise<void>;
  /** Opens the log of the directory. Throws KvError. */
  readonly openLog: () => Promise<KeptLog>;
  /** From now on what is written is committed this way. */
  readonly commitThrough: (committer: Committer) => void;
  /** The data was replaced: calls `body` in a turn of its own, and whoever keeps something derived from data. */
  readonly replaceData: (body: () => void) => void;
  readonly onFatal: (error: KvError) => void;
  readonly onError: (error: unknown) => void;
}

/** What is saved for Redis. */
export interface RedisFile {
  /** Puts all data as of one moment in place of what it had; resolves when it is on the disk. Throws KvError. */
  write(): Promise<void>;
}

export class Persistence implements Snapshots, LogControl {
  /** Written by whoever asks for a copy of memory storage; null for none. */
  redisFile: RedisFile | null = null;
  hasFailed = false;
  readonly #options: PersistenceOptions;
  readonly #startedMs: number;
  /** Another one after it was lent. */
  #storage: Storage;
  #committer: LocalCommitter | RecordingCommitter;
  /** Open, whether it is on or not. */
  #log: KeptLog | null;
  /** With a log that is on. */
  #snapshotter: Snapshotter | null;
  #copying: Promise<void> | null = null;
  #copiedMs = 0;
  #copiedWrites = 0;
  /** A copy and the file for Redis, and when and what the last one saved. */
  #saving: Promise<void> | null = null;
  #savedMs = 0;
  #savedWrites = 0;
  #isTurning = false;
  #isClosed = false;
  /** While somebody else keeps the log: how a copy is had. */
  #lent: Snapshots | null = null;

  constructor(options: PersistenceOptions) {
    this.#options = options;
    this.#storage = options.storage;
    this.#committer = options.committer;
    this.#log = options.log;
    this.#snapshotter = options.log === null ? null : this.#shorten(options.log, options.committer);
    this.#startedMs = options.env.clock.now();
    this.#watchSavePoints();
  }

  /** The log that is on; null for none. */
  get log(): KeptLog | null {
    return this.#snapshotter === null ? null : this.#log;
  }

  // Snapshots

  get isRunning(): boolean {
    if (this.#lent !== null) return this.#lent.isRunning;
    return this.#saving !== null || this.#copying !== null || this.#snapshotter?.isRunning === true;
  }

  get lastFinishedMs(): number {
    if (this.#savesForRedis) return this.#savedMs;
    return Math.max(this.#copiedMs, this.#snapshotter?.lastFinishedMs ?? 0, this.#lent?.lastFinishedMs ?? 0);
  }

  get savedWrites(): number {
    if (this.#savesForRedis) return this.#savedWrites;
    return Math.max(this.#copiedWrites, this.#snapshotter?.savedWrites ?? 0, this.#lent?.savedWrites ?? 0);
  }

  get history(): History | null {
    return this.#options.history.commits;
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
    const { writes } = this.#storage.stamp;
    try {
      await this.#take();
      await this.redisFile?.write();
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
    if (this.#isTurning) return Promise.reject(new KvError('INVALID', 'the log is being switched on or off'));
    this.#copying ??= this.#copy().finally(() => {
      this.#copying = null;
    });
    return this.#copying;
  }

  /**
   * The data as of one moment, the one at which the last batch is asked for: all keys, and then what was written
   * meanwhile, while writes go on. Without a log that is kept in memory. The batches throw KvError INVALID when
   * databases were swapped meanwhile: begin again.
   */
  async backup(): Promise<SnapshotStream> {
    if (this.#lent !== null) throw new KvError('INVALID', 'the log is replicated: make it local first');
    if (this.#isTurning || this.#copying !== null)
      throw new KvError('UNAVAILABLE', 'a copy is being taken, or the log switched: try again');
    let end: Moment = { position: 0, version: 0 };
    const batches =
      this.#snapshotter === null ? this.#recordedBackup() : this.#loggedBackup(this.#snapshotter);
    const counted = async function* (): AsyncGenerator<Uint8Array, void, void> {
      end = yield* batches;
    };
    return { from: 0, batches: counted(), to: () => end.position, version: () => end.version };
  }

  // LogControl

  async turn(on: boolean): Promise<void> {
    if (this.#lent !== null) throw new KvError('INVALID', 'the log is replicated: make it local first');
    if (on === (this.#snapshotter !== null)) return;
    if (this.#isTurning || this.isRunning) throw new KvError('INVALID', 'a snapshot is being taken');
    this.#isTurning = true;
    try {
      await (on ? this.#turnOn() : this.#turnOff());
    } finally {
      this.#isTurning = false;
    }
  }

  async reread(): Promise<void> {
    const { replaceData, snapshots } = this.#options;
    const storage = this.#storage;
    if (snapshots === null) throw new KvError('INVALID', 'level storage is not read as a whole');
    if (this.#lent !== null) throw new KvError('INVALID', 'the log is replicated: make it local first');
    if (this.#isTurning) throw new KvError('INVALID', 'the log is being switched on or off');
    await (this.#snapshotter === null ? this.#copying : this.isRunning && this.#snapshotter.take());
    const newest = await snapshots.newest();
    const batches: Uint8Array[] = [];
    if (newest !== null) for await (const batch of snapshots.read(newest)) batches.push(batch);
    if (this.#snapshotter !== null) await this.#readLog(newest?.from ?? 0, batches);
    else if (newest === null) throw new KvError('INVALID', 'nothing was saved yet');
    replaceData(() => replaceContents(storage, databaseCount, batches));
    // Nobody was told of what changed.
    if (this.#snapshotter === null && this.#options.history.isWanted) await this.#commitWithoutLog();
  }

  /** Keeps a history within these bounds from now on, or none. Throws KvError INVALID while the log is switched, DISK. */
  async turnHistory(bounds: HistoryBounds): Promise<void> {
    const { history } = this.#options;
    const before = history.bounds;
    history.bounds = bounds;
    try {
      if (this.#lent === null && history.isWanted !== (history.commits !== null)) await this.#turnHistory();
    } catch (error) {
      history.bounds = before;
      throw error;
    }
  }

  async #turnHistory(): Promise<void> {
    const { history } = this.#options;
    if (this.#isTurning || this.#copying !== null)
      throw new KvError('INVALID', 'the log is being switched on or off, or a copy is being taken');
    if (this.#snapshotter === null) {
      await this.#commitWithoutLog();
    } else if (history.isWanted) {
      await this.#settled();
      await history.beginOnLog(this.#log!, this.#storage.stamp);
    } else {
      await history.stop('history-bytes is 0');
    }
  }

  /** How the log is synced from now on. */
  syncLog(policy: FsyncPolicy): void {
    if (this.#log !== null) this.#log.fsync = policy;
  }

  // The log in other hands

  /** Keeps the log no more, which somebody else does: `snapshots`. Throws KvError INVALID while it is switched. */
  async lend(snapshots: Snapshots): Promise<void> {
    if (this.#isTurning) throw new KvError('INVALID', 'the log is being switched on or off');
    const snapshotter = this.#snapshotter;
    this.#lent = snapshots;
    this.#snapshotter = null;
    await this.#options.history.stop('the log is replicated');
    await this.#copying?.catch(() => {});
    await snapshotter?.close();
    this.#copiedMs = Math.max(this.#copiedMs, snapshotter?.lastFinishedMs ?? 0);
  }

  /** Keeps a log again, that `committer` writes, of what is in `storage` now. */
  takeBack(log: KeptLog, committer: LocalCommitter, storage: Storage): void {
    const { history, onError } = this.#options;
    this.#lent = null;
    this.#storage = storage;
    this.#log = log;
    this.#committer = committer;
    this.#snapshotter = this.#shorten(log, committer);
    history.beginOnLog(log, storage.stamp).catch(onError);
  }

  /** Who writes the log, while it is not lent. */
  get committer(): Committer {
    return this.#committer;
  }

  /** The server ends within a write: what was not handed over is to be forgotten. */
  get isAbandoned(): boolean {
    return this.#committer.isAbandoned;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#saving?.catch(() => {});
    await this.#copying?.catch(() => {});
    await this.#snapshotter?.close();
  }

  /** After `close`, and once nothing is written any more. */
  async closeLog(): Promise<void> {
    await this.#log?.close();
  }

  // Copies

  async #copy(): Promise<void> {
    const { env, snapshots } = this.#options;
    const storage = this.#storage;
    const { writes } = storage.stamp;
    if (snapshots === null) {
      await this.#committer.drained();
      await storage.flush();
    } else {
      await this.#options.claim();
      await this.#record(this.#log?.committedPosition ?? 0);
      await this.#become(() => this.#localCommitter(null));
    }
    this.#copiedMs = env.clock.now();
    this.#copiedWrites = writes;
  }

  /** Saves when one of the save points is reached: so many writes, and so much time, since the last copy. */
  #watchSavePoints(): void {
    const { env, onError, savePoints } = this.#options;
    const storage = this.#storage;
    env.timers.setTimeout(() => {
      if (this.#isClosed) return;
      const seconds = (env.clock.now() - Math.max(this.#copiedMs, this.#startedMs)) / 1000;
      const writes = storage.stamp.writes - this.savedWrites;
      const isDue = savePoints().some((point) => seconds >= point.seconds && writes >= point.writes);
      if (isDue && this.#snapshotter === null && this.#lent === null && !this.#isTurning)
        this.take().catch(onError);
      this.#watchSavePoints();
    }, savePointIntervalMs);
  }

  /** Takes a copy that is whole by itself, in place of what the log has up to `position`. Goes on recording. */
  async #record(position: number): Promise<RecordingCommitter> {
    const { snapshots } = this.#options;
    const storage = this.#storage;
    for (;;) {
      const recorder = await this.#become(() => this.#recordingCommitter());
      try {
        await snapshots!.write(position, wholeState(storage, recorder), async () => {
          await this.#log?.sync();
          return position;
        });
        await snapshots!.removeOld();
        return recorder;
      } catch (error) {
        await this.#become(() => this.#localCommitter(null));
        // Databases were swapped meanwhile: begin again.
        if (!(error instanceof KvError && error.code === 'INVALID')) throw error;
      }
    }
  }

  // Backups

  /** Returns what it is as of. */
  async *#loggedBackup(snapshotter: Snapshotter): AsyncGenerator<Uint8Array, Moment, void> {
    const log = this.#log!;
    const release = snapshotter.hold();
    try {
      await this.#settled();
      const from = log.committedPosition;
      const version = this.#storage.stamp.last;
      let last: Uint8Array | null = null;
      yield* this.#storage.snapshot();
      await this.#settled();
      await this.#committer.drained();
      await log.sync();
      const to = log.committedPosition;
      for await (const { batch, position } of log.read(from + 1)) {
        if (position > to) break;
        last = batch;
        yield batch;
      }
      return {
        position: to,
        version: last === null ? version : Math.max(version, new BatchWrites().lastVersion(last)),
      };
    } finally {
      release();
    }
  }

  async *#recordedBackup(): AsyncGenerator<Uint8Array, Moment, void> {
    const storage = this.#storage;
    this.#isTurning = true;
    let version: number;
    try {
      if (!storage.needsJournal) {
        version = yield* wholeState(storage, await this.#become(() => this.#recordingCommitter()));
      } else {
        const recorded: Buffer[] = [];
        const committer = this.#committer as LocalCommitter;
        committer.tap = (batch) => void recorded.push(Buffer.from(batch));
        yield* storage.snapshot();
        await this.#settled();
        committer.tap = null;
        version = storage.stamp.last;
        yield* recorded;
      }
      return { position: 0, version };
    } finally {
      if (storage.needsJournal) (this.#committer as LocalCommitter).tap = null;
      else await this.#become(() => this.#localCommitter(null));
      this.#isTurning = false;
    }
  }

  // The log

  async #turnOn(): Promise<void> {
    const { claim, openLog, snapshots } = this.#options;
    const storage = this.#storage;
    if (snapshots === null) throw new KvError('INVALID', 'level storage gets a log only when it is started');
    await claim();
    this.#log ??= await openLog();
    const log = this.#log;
    const recorder = await this.#record(log.committedPosition);
    await this.#settled();
    const recorded = recorder.take();
    const begun = this.#options.history.beginOnLog(log, storage.stamp);
    const committer = this.#localCommitter(log);
    this.#adopt(committer);
    for (const batch of recorded) {
      storage.journal!.copy(batch, 0, batch.length);
      committer.settle();
    }
    this.#snapshotter = this.#shorten(log, committer);
    // The log is on all the same.
    await begun.catch(this.#options.onError);
  }

  async #turnOff(): Promise<void> {
    const snapshotter = this.#snapshotter!;
    await this.#options.history.stop('the log is switched off');
    await this.#commitWithoutLog();
    this.#snapshotter = null;
    this.#copiedMs = snapshotter.lastFinishedMs;
    await snapshotter.close();
  }

  /** Adds what the log has after `from`, until there is no more. */
  async #readLog(from: number, batches: Uint8Array[]): Promise<void> {
    const log = this.#log!;
    for (let at = from; ; ) {
      await this.#settled();
      if (log.committedPosition === at && this.#committer.position === at) return;
      for await (const { position, batch } of log.read(at + 1)) {
        batches.push(batch);
        at = position;
      }
    }
  }

  // Who commits

  async #commitWithoutLog(): Promise<void> {
    await this.#become(() => {
      this.#options.history.beginInMemory(this.#storage.stamp);
      return this.#localCommitter(null);
    });
  }

  async #become<C extends LocalCommitter | RecordingCommitter>(next: () => C): Promise<C> {
    await this.#settled();
    const committer = next();
    this.#adopt(committer);
    return committer;
  }

  #adopt(committer: LocalCommitter | RecordingCommitter): void {
    this.#committer = committer;
    this.#options.commitThrough(committer);
  }

  /** Resolves at a moment at which no write is half done, and all are handed over. */
  async #settled(): Promise<void> {
    do await this.#committer.drained();
    while (this.#committer.isHeld && !this.#committer.isAbandoned);
    if (this.#committer.isAbandoned) throw new KvError('CLOSED', 'the server ends within a write');
    this.#committer.settle();
  }

  #localCommitter(log: KeptLog | null): LocalCommitter {
    const { env, history, onFatal } = this.#options;
    const storage = this.#storage;
    return new LocalCommitter({ storage, env, log, history, onFatal });
  }

  #recordingCommitter(): RecordingCommitter {
    return new RecordingCommitter(this.#storage, this.#options.history);
  }

  #shorten(log: KeptLog, committer: Committer): Snapshotter {
    const { env, history, onError, snapshots } = this.#options;
    const storage = this.#storage;
    return new Snapshotter({ storage, log, committer, snapshots, history, env, onError });
  }
}

/** What a backup is as of: of the log 0 without one, and the version of the last write. */
interface Moment {
  readonly position: number;
  readonly version: number;
}

/** All keys, then all that was written since they were begun with. Returns the version that this is as of. */
async function* wholeState(
  storage: Storage,
  recorder: RecordingCommitter,
): AsyncGenerator<Uint8Array, number, void> {
  yield* storage.snapshot();
  do await recorder.drained();
  while (recorder.isHeld && !recorder.isAbandoned);
  if (recorder.isAbandoned) throw new KvError('CLOSED', 'the server ends within a write');
  const batches = recorder.take();
  const version = storage.stamp.last;
  yield* batches;
  return version;
}
