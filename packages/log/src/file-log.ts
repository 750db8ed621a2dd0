/**
 * A log in segment files of one directory, for one machine.
 *
 * An append encodes its frame and writes it to the page cache at once, blocking (about 4 us for 1 KB), so
 * the caller has its buffer back and the death of the process loses nothing. What `fsync` adds:
 *
 *     always    committed when the frame is on the disk. One sync is in flight at a time; what is written
 *               meanwhile is covered by the next one (group commit). `appendSync` may sync at once instead
 *     everysec  committed when written; synced in the background, once a second
 *     no        committed when written; the operating system brings it to the disk
 *
 * How to sync was chosen by measurement (ext4, virtual disk, Node 20; mean us for one batch of 2 KB, 16 KB,
 * 100 KB):
 *
 *     blocking write to a growing file, fdatasync in the thread pool       299   221   311
 *     blocking write over preallocated blocks, fdatasync in the pool       184   144   182    <- this one
 *     both in the pool, preallocated                                       238   169   209
 *     O_DSYNC write in the pool, preallocated                              162   152   206
 *     both blocking, preallocated                                          145   116   152
 *
 * O_DSYNC gains little for small batches and loses for large ones, would need a copy of every batch, and
 * would keep data from the operating system while a write is in flight.
 *
 * When the disk fails:
 * - A write that fails (full disk) is undone: its frame is wiped and the wipe synced. The append is
 *   `refused`, the log stays usable, and the next append tries again.
 * - A sync that fails says nothing about what it covered: those appends are `unknown`. The page cache can't
 *   be trusted any more (its pages count as clean), so every later append is `refused` with reason `disk`
 *   until the log is closed and opened again; `recovery.ts` then writes the doubtful part anew.
 */
import { join } from 'node:path';
import { checksum, type Env, KvError, type Timer } from '@holdfast/common';
import type { Disk, DiskLock } from './disk.js';
import { FrameHead, type FrameKind, frameBytes, frameHeadBytes, frameKinds } from './frame.js';
import {
  batchBytesMax,
  joinedBatchBytesMax,
  segmentBytesDefault,
  segmentBytesMin,
  syncIntervalMs,
} from './limits.js';
import type {
  AppendOutcome,
  Committed,
  Log,
  LogEntry,
  LogState,
  Position,
  RefusalReason,
  Refused,
} from './log.js';
import { PositionWaiters } from './position-waiters.js';
import { type RecoveredLog, recoverLog } from './recovery.js';
import { Segment, segmentName } from './segment.js';
import { SegmentPool } from './segment-pool.js';
import { readSegments } from './segment-reader.js';
import { SyncGauge } from './sync-gauge.js';

export type FsyncPolicy = 'always' | 'everysec' | 'no';

export interface FileLogOptions {
  readonly disk: Disk;
  readonly env: Env;
  /** Belongs to the log alone; made when missing, locked while the log is open. */
  readonly directory: string;
  readonly fsync: FsyncPolicy;
  /** Usual size of a segment file. */
  readonly segmentBytes?: number;
  /** For a log that is new: the position its first entry follows. 0 when not given. */
  readonly startAfter?: Position;
  /** Whether a log with an unfinished end is refused, KvError CORRUPT, instead of cut; false when not given. */
  readonly refusesCut?: boolean;
  /** Whether a log that is not there is made; true when not given. */
  readonly create?: boolean;
  /**
   * Whether the file that is written first is filled with zeros before the log is open; true when not given. Without,
   * it opens at once, and syncs of that file take longer.
   */
  readonly isFilled?: boolean;
  /** No writer below it is taken, as if there were an entry of this epoch. 0 when not given. */
  readonly startEpoch?: number;
  /**
   * With `always`, `appendSync` syncs by itself, blocking, while that takes less than this on average, in ms:
   * see sync-gauge.ts. 0, the default: it never does.
   */
  readonly inlineSyncMsMax?: number;
}

/** An append, or somebody else who waits for a sync; resolved in order. */
interface Waiter {
  /** What to resolve with when the sync succeeds. */
  readonly outcome: AppendOutcome;
  readonly resolve: (outcome: AppendOutcome) => void;
}

const noBatch = new Uint8Array(0);
const zeroHead = new Uint8Array(frameHeadBytes);

export class FileLog implements Log {
  readonly batchBytesMax = batchBytesMax;
  /** Frames that were wiped at opening because they were never known to be on the disk; for the start-up message. */
  readonly cutFrames: number;
  readonly #disk: Disk;
  readonly #env: Env;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #pool: SegmentPool;
  readonly #lock: DiskLock;
  readonly #head = new FrameHead();
  readonly #scratch = Buffer.alloc(frameHeadBytes + joinedBatchBytesMax);
  readonly #segments: Segment[];
  #fsync: FsyncPolicy;
  #active: Segment;
  /** The last entry that was written, committed, known to be on the disk. */
  #last: Position;
  #committed: Position;
  #durable: Position;
  #epoch: number;
  #sealed: boolean;
  #closing: Promise<void> | null = null;
  #failure: KvError | null = null;
  /** Since the last sync began: the active file was written, others were left behind, the directory changed. */
  #isDirty = false;
  #leftBehind: Segment[] = [];
  #isDirectoryDirty = false;
  /** Waiters for the next sync; with those of the one in flight they are `unresolvedCount`. */
  #waiters: Waiter[] = [];
  #unresolvedCount = 0;
  #syncing: Promise<void> | null = null;
  #timer: Timer | null = null;
  readonly #gauge: SyncGauge;
  readonly #followers = new PositionWaiters();

  /** Opens the log in a directory, or starts one. Throws KvError LOCKED, CORRUPT, DISK, INVALID. */
  static async open(options: FileLogOptions): Promise<FileLog> {
    const { disk, directory, env, segmentBytes = segmentBytesDefault, startAfter = 0 } = options;
    if (options.create === false && !(await disk.exists(directory))) {
      throw new KvError('INVALID', `there is no log in ${directory}`);
    }
    if (!(segmentBytes >= segmentBytesMin)) {
      throw new KvError('INVALID', `segmentBytes must be at least ${segmentBytesMin}, not ${segmentBytes}`);
    }
    await disk.makeDirectory(directory);
    const lock = await disk.lock(directory);
    const pool = new SegmentPool({ disk, directory, random: env.random, segmentBytes });
    try {
      const names = await disk.list(directory);
      await pool.adopt(names);
      const recovered =
        (await recoverLog(disk, directory, names, pool, options.refusesCut)) ??
        (await startLog(disk, directory, pool, startAfter));
      const log = new FileLog(options, segmentBytes, pool, lock, recovered);
      if (options.isFilled ?? true) await log.#prepare();
      await log.#raiseEpoch(options.startEpoch ?? 0);
      return log;
    } catch (error) {
      await pool.close();
      await lock.release();
      throw error;
    }
  }

  private constructor(
    options: FileLogOptions,
    segmentBytes: number,
    pool: SegmentPool,
    lock: DiskLock,
    recovered: RecoveredLog,
  ) {
    this.#disk = options.disk;
    this.#env = options.env;
    this.#directory = options.directory;
    this.#segmentBytes = segmentBytes;
    this.#fsync = options.fsync;
    this.#gauge = new SyncGauge(options.env.clock, options.inlineSyncMsMax ?? 0);
    this.#pool = pool;
    this.#lock = lock;
    this.#segments = recovered.segments;
    this.#active = recovered.segments[recovered.segments.length - 1];
    this.#last = recovered.last;
    this.#committed = recovered.last;
    this.#durable = recovered.last;
    this.#epoch = recovered.epoch;
    this.#sealed = recovered.sealed;
    this.cutFrames = recovered.cutFrames;
  }

  get committedPosition(): Position {
    return this.#committed;
  }

  /** Position of the last entry known to be on the disk: below `committedPosition` unless `fsync` is `always`. */
  get durablePosition(): Position {
    return this.#durable;
  }

  /** Epoch of the last entry, 0 before the first. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Why the log takes no more appends until it is opened again; null while all is well. */
  get failure(): KvError | null {
    return this.#failure;
  }

  /** Bytes in use by entries that were not trimmed. */
  get bytes(): number {
    let bytes = 0;
    for (const segment of this.#segments) bytes += segment.end;
    return bytes;
  }

  /** The first position of each file, in order: a trim drops whole files. */
  get starts(): Position[] {
    return this.#segments.map(({ firstPosition }) => firstPosition);
  }

  /** Bytes in use by the files that have entries from `position` on. */
  bytesFrom(position: Position): number {
    let bytes = 0;
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      bytes += this.#segments[i].end;
      if (this.#segments[i].firstPosition <= position) break;
    }
    return bytes;
  }

  get fsync(): FsyncPolicy {
    return this.#fsync;
  }

  /** Changes the policy for appends from now on. */
  set fsync(policy: FsyncPolicy) {
    this.#fsync = policy;
    if (this.#isDirty) this.#syncLater();
  }

  append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    return new Promise((resolve) => {
      const outcome = this.#write(batch, after, epoch);
      const mustSync = outcome.kind === 'committed' && this.#fsync === 'always';
      if (!mustSync && this.#unresolvedCount === 0) {
        resolve(this.#commitNow(outcome));
      } else {
        // Refusals wait in the same line, because outcomes come in order.
        this.#await({ outcome, resolve });
      }
    });
  }

  appendSync(batch: Uint8Array, after: Position, epoch: number): AppendOutcome | null {
    if (this.#unresolvedCount > 0) return null;
    if (this.#fsync !== 'always') return this.#commitNow(this.#write(batch, after, epoch));
    if (!this.#gauge.isInline || !this.#isSyncSimple(batch.length)) return null;
    const outcome = this.#write(batch, after, epoch);
    return outcome.kind === 'committed' ? this.#syncInline(outcome) : outcome;
  }

  /** Resolves when everything appended so far is on the disk, whatever the policy. Throws the log's failure. */
  sync(): Promise<void> {
    return this.#sync();
  }

  /** Nothing can be told of a failed sync while the page cache holds what it covered. */
  async resolve(): Promise<(Committed | Refused)[]> {
    this.#throwWhenClosed();
    if (this.#failure !== null) throw this.#failure;
    return [];
  }

  read(from: Position): AsyncIterable<LogEntry> {
    this.#throwWhenClosed();
    return readSegments(this.#segments, from, this.#committed);
  }

  async state(): Promise<LogState> {
    this.#throwWhenClosed();
    const head = this.#segments[0].firstPosition;
    return { head, tail: this.#committed, epoch: this.#epoch, isSealed: this.#sealed };
  }

  async tail(): Promise<Position> {
    return (await this.state()).tail;
  }

  async head(): Promise<Position> {
    return (await this.state()).head;
  }

  async waitBeyond(position: Position, signal?: AbortSignal): Promise<Position> {
    this.#throwWhenClosed();
    if (this.#committed <= position && !this.#sealed) await this.#followers.wait(position, signal);
    return this.#committed;
  }

  async seal(): Promise<Position> {
    this.#throwWhenClosed();
    if (!this.#sealed) {
      if (this.#failure !== null) throw this.#failure;
      const at = this.#active.end;
      try {
        this.#writeFrame(this.#active, frameKinds.seal, noBatch, this.#last);
      } catch (error) {
        this.#undo(this.#active, at, error);
        throw error;
      }
      this.#sealed = true;
    }
    await this.#sync();
    this.#followers.wakeAll();
    return this.#last;
  }

  async trim(before: Position): Promise<void> {
    this.#throwWhenClosed();
    // The epoch and the end of the log must not hang on entries that are about to go.
    await this.#sync();
    let count = 0;
    while (
      count + 1 < this.#segments.length &&
      this.#segments[count + 1].firstPosition <= before &&
      this.#segments[count].readers === 0
    ) {
      count++;
    }
    if (count > 0) await this.#pool.recycle(this.#segments.splice(0, count));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Gives the active file its zeros, if it will be synced often. */
  async #prepare(): Promise<void> {
    if (this.#fsync !== 'always' || this.#sealed) return;
    try {
      await this.#pool.fillWithZeros(this.#active.file);
    } catch {
      // A full disk. The zeros are for speed only; whether there is room is for the first append to find out.
    }
  }

  /** A mark carries the epoch, as it does into every new segment. */
  async #raiseEpoch(epoch: number): Promise<void> {
    if (epoch <= this.#epoch || this.#sealed) return;
    this.#epoch = epoch;
    this.#writeFrame(this.#active, frameKinds.mark, noBatch, this.#last);
    await this.#sync();
  }

  #throwWhenClosed(): void {
    if (this.#closing !== null) throw new KvError('CLOSED', `the log in ${this.#directory} is closed`);
  }

  /** Checks an append and writes its frame. `committed` here means written: committing is up to the caller. */
  #write(batch: Uint8Array, after: Position, epoch: number): AppendOutcome {
    this.#throwWhenClosed();
    if (batch.length > batchBytesMax) {
      throw new KvError('LIMIT', `a batch of ${batch.length} bytes is longer than ${batchBytesMax}`);
    }
    if (this.#sealed) return this.#refused('sealed');
    if (this.#failure !== null) return this.#refused('disk', this.#failure);
    if (epoch < this.#epoch) return this.#refused('epoch');
    if (after !== this.#last) return this.#refused('position');
    const position = this.#last + 1;
    let segment = this.#active;
    try {
      const isFull = segment.end + frameBytes(batch.length) > this.#segmentBytes;
      // A segment without entries takes any batch: the next one would have the same name.
      if (isFull && this.#last >= segment.firstPosition) segment = this.#rotate();
    } catch (cause) {
      return this.#refused('disk', cause);
    }
    const at = segment.end;
    const epochBefore = this.#epoch;
    this.#epoch = epoch;
    try {
      this.#writeFrame(segment, frameKinds.batch, batch, position);
    } catch (cause) {
      this.#epoch = epochBefore;
      return this.#undo(segment, at, cause);
    }
    segment.note(position, at);
    this.#last = position;
    if (segment.end > this.#segmentBytes / 2 && this.#fsync === 'always') this.#pool.replenish();
    return { kind: 'committed', position };
  }

  #refused(reason: RefusalReason, cause?: unknown): AppendOutcome {
    return { kind: 'refused', reason, tail: this.#last, ...(cause === undefined ? {} : { cause }) };
  }

  /** What an append that need not wait comes to. */
  #commitNow(outcome: AppendOutcome): AppendOutcome {
    if (outcome.kind === 'committed') {
      this.#setCommitted(outcome.position);
      if (this.#timer === null) this.#syncLater();
    }
    return outcome;
  }

  #setCommitted(position: Position): void {
    this.#committed = position;
    if (!this.#followers.isEmpty) this.#followers.wake(position);
  }

  #writeFrame(segment: Segment, kind: FrameKind, batch: Uint8Array, position: Position): void {
    const head = this.#head;
    head.kind = kind;
    head.length = batch.length;
    head.checksum = checksum(batch, 0, batch.length, 0);
    head.position = position;
    head.epoch = this.#epoch;
    head.durable = this.#durable;
    head.encode(this.#scratch, 0, segment.salt);
    this.#isDirty = true;
    if (batch.length <= joinedBatchBytesMax) {
      this.#scratch.set(batch, frameHeadBytes);
      segment.file.writeSync(this.#scratch.subarray(0, frameHeadBytes + batch.length), segment.end);
    } else {
      segment.file.writeSync(this.#scratch.subarray(0, frameHeadBytes), segment.end);
      segment.file.writeSync(batch, segment.end + frameHeadBytes);
    }
    segment.end += frameBytes(batch.length);
  }

  /**
   * Takes back a frame that may be written in part. Not left to chance: when the batch ends like the bytes
   * that were there before (zeros), a cut frame can be a good one.
   */
  #undo(segment: Segment, at: number, cause: unknown): AppendOutcome {
    try {
      const written = segment.file.size() - at;
      if (written > 0) {
        // Within what the file has already: this can't fail for want of room.
        segment.file.writeSync(zeroHead.subarray(0, Math.min(frameHeadBytes, written)), at);
        segment.file.datasyncSync();
      }
    } catch (error) {
      this.#fail(error);
      return { kind: 'unknown', cause: error };
    }
    return this.#refused('disk', cause);
  }

  /** Goes on in a new segment. Throws KvError DISK, and then nothing has changed. */
  #rotate(): Segment {
    const spare = this.#pool.take() ?? this.#pool.createSync();
    const path = join(this.#directory, segmentName(this.#last + 1));
    const segment = new Segment(path, spare.file, spare.salt, this.#last + 1);
    try {
      // The mark carries the epoch and the end of the log into this file: those before may be trimmed.
      this.#writeFrame(segment, frameKinds.mark, noBatch, this.#last);
      this.#disk.rename(spare.path, path);
    } catch (error) {
      this.#pool.discard(spare);
      throw error;
    }
    this.#isDirectoryDirty = true;
    this.#leftBehind.push(this.#active);
    this.#segments.push(segment);
    this.#active = segment;
    // So that what is not synced stays within one segment or two, whatever the policy.
    if (this.#fsync !== 'always') this.#syncSoon();
    return segment;
  }

  /** Resolves when everything written so far is on the disk. Throws the log's failure. */
  async #sync(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const outcome = await new Promise<AppendOutcome>((resolve) => {
      this.#await({ outcome: { kind: 'committed', position: this.#last }, resolve });
    });
    if (outcome.kind !== 'committed') throw this.#failure;
  }

  #await(waiter: Waiter): void {
    this.#waiters.push(waiter);
    this.#unresolvedCount++;
    this.#syncSoon();
  }

  /** Begins a sync once the appends that are about to be made in this turn are written. */
  #syncSoon(): void {
    this.#syncing ??= Promise.resolve().then(() => this.#syncWhileAwaited());
  }

  /** Begins a sync in a second, with `everysec`; like Redis not while the one before is still under way. */
  #syncLater(): void {
    if (this.#fsync !== 'everysec' || this.#timer !== null) return;
    this.#timer = this.#env.timers.setTimeout(() => {
      this.#timer = null;
      if (this.#closing !== null || this.#failure !== null || !this.#isDirty) return;
      if (this.#syncing === null) this.#syncSoon();
      else this.#syncLater();
    }, syncIntervalMs);
  }

  async #syncWhileAwaited(): Promise<void> {
    do await this.#syncOnce();
    while (this.#waiters.length > 0);
    this.#syncing = null;
  }

  async #syncOnce(): Promise<void> {
    const covered = this.#waiters;
    const position = this.#last;
    this.#waiters = [];
    try {
      await this.#bringToDisk();
    } catch (error) {
      this.#fail(error);
    }
    this.#unresolvedCount -= covered.length;
    if (this.#failure !== null) {
      for (const { outcome, resolve } of covered) {
        resolve(outcome.kind === 'committed' ? { kind: 'unknown', cause: this.#failure } : outcome);
      }
      return;
    }
    this.#durable = position;
    if (this.#committed < position) this.#setCommitted(position);
    for (const { outcome, resolve } of covered) resolve(outcome);
  }

  async #bringToDisk(): Promise<void> {
    if (this.#failure !== null || !this.#isDirty) return;
    const active = this.#active;
    const leftBehind = this.#leftBehind;
    const isDirectoryDirty = this.#isDirectoryDirty;
    this.#isDirty = false;
    if (isDirectoryDirty || leftBehind.length > 0) {
      this.#leftBehind = [];
      this.#isDirectoryDirty = false;
      for (const segment of leftBehind) await segment.file.datasync();
      await this.#disk.syncDirectory(this.#directory);
    }
    await active.file.datasync();
  }

  /** Whether a sync after one more batch concerns the active file alone. */
  #isSyncSimple(length: number): boolean {
    if (this.#syncing !== null || this.#leftBehind.length > 0 || this.#isDirectoryDirty) return false;
    return this.#active.end + frameBytes(length) <= this.#segmentBytes;
  }

  #syncInline(outcome: AppendOutcome): AppendOutcome {
    this.#isDirty = false;
    try {
      this.#gauge.measure(() => this.#active.file.datasyncSync());
    } catch (error) {
      this.#fail(error);
      return { kind: 'unknown', cause: this.#failure };
    }
    this.#durable = this.#last;
    this.#setCommitted(this.#last);
    return outcome;
  }

  #fail(cause: unknown): void {
    this.#failure ??= new KvError(
      'DISK',
      `the log in ${this.#directory} failed and takes no appends until it is opened again: ` +
        (cause instanceof Error ? cause.message : String(cause)),
      { cause },
    );
  }

  async #close(): Promise<void> {
    if (this.#timer !== null) this.#env.timers.clearTimeout(this.#timer);
    try {
      await this.#finish();
    } finally {
      this.#followers.close();
      await this.#pool.close();
      for (const segment of this.#segments) await segment.file.close();
      await this.#lock.release();
    }
  }

  /** Brings everything to the disk, and then a mark that says so. */
  async #finish(): Promise<void> {
    if (this.#failure === null) await this.#sync();
    else await this.#syncing;
    if (this.#failure !== null) return;
    try {
      this.#writeFrame(this.#active, frameKinds.mark, noBatch, this.#last);
    } catch {
      // A full disk: the entries are safe, only the mark is missing, as after a crash.
      return;
    }
    await this.#sync();
  }
}

/** The first segment of a new log. */
async function startLog(
  disk: Disk,
  directory: string,
  pool: SegmentPool,
  startAfter: Position,
): Promise<RecoveredLog> {
  const spare = pool.take() ?? pool.createSync();
  const path = join(directory, segmentName(startAfter + 1));
  disk.rename(spare.path, path);
  await disk.syncDirectory(directory);
  const segment = new Segment(path, spare.file, spare.salt, startAfter + 1);
  return { segments: [segment], last: startAfter, epoch: 0, sealed: false, cutFrames: 0 };
}
