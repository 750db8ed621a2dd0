/**
 * A log in segment files of one directory, for one machine.
 *
 *     append --> checked here --> SegmentWriter: frames in files --> GroupCommit: on the disk --> committed
 *
 * An append is written to the page cache at once, blocking, so the caller has its buffer back and the death of the
 * process loses nothing; `fsync` says what else has to happen before it counts as committed.
 *
 * When the disk fails:
 * - A write that fails (full disk) is undone (`segment-writer.ts`). The append is `refused`, the log stays usable, and
 *   the next append tries again.
 * - A sync that fails leaves what it covered `unknown` (`group-commit.ts`), and every later append is `refused` with
 *   reason `disk` until the log is closed and opened again.
 */
import { KvError } from '@holdfast/common';
import type { FileLogOptions } from './file-log-options.js';
import { type FsyncPolicy, GroupCommit } from './group-commit.js';
import { batchBytesMax, segmentBytesDefault } from './limits.js';
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
import { LogDirectory } from './log-directory.js';
import { PositionWaiters } from './position-waiters.js';
import { readSegments } from './segment-reader.js';
import type { SegmentWriter } from './segment-writer.js';

export class FileLog implements Log {
  readonly batchBytesMax = batchBytesMax;
  /** Frames that were wiped at opening because they were never known to be on the disk; for the start-up message. */
  readonly cutFrames: number;
  readonly #directory: LogDirectory;
  readonly #writer: SegmentWriter;
  readonly #group: GroupCommit;
  readonly #followers = new PositionWaiters();
  /** Of the last entry that counts as committed: between the last on the disk and the last written. */
  #committed: Position;
  #sealed: boolean;
  #closing: Promise<void> | null = null;

  /** Opens the log in a directory, or starts one. Throws KvError LOCKED, CORRUPT, DISK, INVALID. */
  static async open(options: FileLogOptions): Promise<FileLog> {
    const directory = await LogDirectory.open({
      disk: options.disk,
      random: options.env.random,
      path: options.directory,
      segmentBytes: options.segmentBytes ?? segmentBytesDefault,
      startAfter: options.startAfter ?? 0,
      refusesCut: options.refusesCut ?? false,
      create: options.create ?? true,
    });
    try {
      const log = new FileLog(options, directory);
      if (options.isFilled ?? true) await log.#prepare();
      await log.#raiseEpoch(options.startEpoch ?? 0);
      return log;
    } catch (error) {
      await directory.close();
      throw error;
    }
  }

  private constructor(options: FileLogOptions, directory: LogDirectory) {
    const { writer } = directory;
    this.#directory = directory;
    this.#writer = writer;
    this.#group = new GroupCommit({
      written: writer,
      env: options.env,
      directory: options.directory,
      fsync: options.fsync,
      inlineSyncMsMax: options.inlineSyncMsMax ?? 0,
      onDurable: (position) => this.#commitTo(position),
    });
    this.#committed = writer.last;
    this.#sealed = directory.sealed;
    this.cutFrames = directory.cutFrames;
  }

  get committedPosition(): Position {
    return this.#committed;
  }

  /** Position of the last entry known to be on the disk: below `committedPosition` unless `fsync` is `always`. */
  get durablePosition(): Position {
    return this.#writer.durable;
  }

  /** Epoch of the last entry, 0 before the first. */
  get epoch(): number {
    return this.#writer.epoch;
  }

  /** Why the log takes no more appends until it is opened again; null while all is well. */
  get failure(): KvError | null {
    return this.#group.failure;
  }

  /** Bytes in use by entries that were not trimmed; `bytesFrom`: by the files with entries from `position` on. */
  get bytes(): number {
    return this.#writer.bytesFrom(0);
  }

  /** The first position of each file, in order: a trim drops whole files. */
  get starts(): Position[] {
    return this.#writer.segments.map(({ firstPosition }) => firstPosition);
  }

  bytesFrom(position: Position): number {
    return this.#writer.bytesFrom(position);
  }

  get fsync(): FsyncPolicy {
    return this.#group.fsync;
  }

  /** Changes the policy for appends from now on. */
  set fsync(policy: FsyncPolicy) {
    this.#group.fsync = policy;
  }

  append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    return new Promise((resolve) => {
      const outcome = this.#write(batch, after, epoch);
      const mustSync = outcome.kind === 'committed' && this.#group.fsync === 'always';
      // Refusals wait in the same line, because outcomes come in order.
      if (mustSync || this.#group.hasWaiters) this.#group.await(outcome, resolve);
      else resolve(this.#commitNow(outcome));
    });
  }

  appendSync(batch: Uint8Array, after: Position, epoch: number): AppendOutcome | null {
    const group = this.#group;
    if (group.hasWaiters) return null;
    if (group.fsync !== 'always') return this.#commitNow(this.#write(batch, after, epoch));
    if (!group.syncsAtOnce(batch.length)) return null;
    const outcome = this.#write(batch, after, epoch);
    return outcome.kind === 'committed' ? group.syncAtOnce(outcome) : outcome;
  }

  /** Resolves when everything appended so far is on the disk, whatever the policy. Throws the log's failure. */
  sync(): Promise<void> {
    return this.#group.sync();
  }

  /** Nothing can be told of a failed sync while the page cache holds what it covered. */
  async resolve(): Promise<(Committed | Refused)[]> {
    this.#throwWhenClosed();
    if (this.failure !== null) throw this.failure;
    return [];
  }

  read(from: Position): AsyncIterable<LogEntry> {
    this.#throwWhenClosed();
    return readSegments(this.#writer.segments, from, this.#committed);
  }

  async state(): Promise<LogState> {
    this.#throwWhenClosed();
    const head = this.#writer.segments[0].firstPosition;
    return { head, tail: this.#committed, epoch: this.#writer.epoch, isSealed: this.#sealed };
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
      if (this.failure !== null) throw this.failure;
      const outcome = this.#writer.seal();
      if (outcome.kind === 'unknown') this.#group.fail(outcome.cause);
      if (outcome.kind !== 'committed') throw outcome.cause;
      this.#sealed = true;
    }
    await this.#group.sync();
    this.#followers.wakeAll();
    return this.#writer.last;
  }

  async trim(before: Position): Promise<void> {
    this.#throwWhenClosed();
    // The epoch and the end of the log must not hang on entries that are about to go.
    await this.#group.sync();
    // A hint: while the log is closed it may go unheard.
    if (this.#closing !== null) return;
    const dropped = this.#writer.dropBefore(before);
    if (dropped.length > 0) await this.#directory.pool.recycle(dropped);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Gives the active file its zeros, if it will be synced often. */
  async #prepare(): Promise<void> {
    if (this.#group.fsync !== 'always' || this.#sealed) return;
    try {
      await this.#writer.fillActive();
    } catch {
      // A full disk. The zeros are for speed only; whether there is room is for the first append to find out.
    }
  }

  /** A mark carries the epoch, as it does into every new segment. */
  async #raiseEpoch(epoch: number): Promise<void> {
    if (epoch <= this.#writer.epoch || this.#sealed) return;
    this.#writer.mark(epoch);
    await this.#group.sync();
  }

  #throwWhenClosed(): void {
    if (this.#closing !== null) throw new KvError('CLOSED', `the log in ${this.#directory.path} is closed`);
  }

  /** Checks an append and writes its frame. `committed` here means written: committing is up to the caller. */
  #write(batch: Uint8Array, after: Position, epoch: number): AppendOutcome {
    this.#throwWhenClosed();
    if (batch.length > batchBytesMax) {
      throw new KvError('LIMIT', `a batch of ${batch.length} bytes is longer than ${batchBytesMax}`);
    }
    const writer = this.#writer;
    if (this.#sealed) return this.#refused('sealed');
    if (this.#group.failure !== null) return this.#refused('disk', this.#group.failure);
    if (epoch < writer.epoch) return this.#refused('epoch');
    if (after !== writer.last) return this.#refused('position');
    const outcome = writer.append(batch, epoch);
    if (outcome.kind === 'committed') this.#provide();
    else if (outcome.kind === 'unknown') this.#group.fail(outcome.cause);
    return outcome;
  }

  /** After a write: the next file is at hand in time, and what is not synced stays within one segment or two. */
  #provide(): void {
    if (this.#group.fsync === 'always') {
      if (this.#writer.isHalfFull) this.#directory.pool.replenish();
    } else if (this.#writer.hasLeftBehind) {
      this.#group.syncSoon();
    }
  }

  #refused(reason: RefusalReason, cause?: unknown): AppendOutcome {
    return { kind: 'refused', reason, tail: this.#writer.last, ...(cause === undefined ? {} : { cause }) };
  }

  /** What an append that need not wait comes to. */
  #commitNow(outcome: AppendOutcome): AppendOutcome {
    if (outcome.kind === 'committed') {
      this.#commitTo(outcome.position);
      this.#group.syncLater();
    }
    return outcome;
  }

  #commitTo(position: Position): void {
    if (position <= this.#committed) return;
    this.#committed = position;
    if (!this.#followers.isEmpty) this.#followers.wake(position);
  }

  async #close(): Promise<void> {
    try {
      await this.#finish();
    } finally {
      this.#followers.close();
      await this.#directory.close();
    }
  }

  /** Brings everything to the disk, and then a mark that says so. */
  async #finish(): Promise<void> {
    const { failure } = this.#group;
    await this.#group.close();
    if (failure !== null) return;
    await this.#group.sync();
    try {
      this.#writer.mark(this.#writer.epoch);
    } catch {
      // A full disk: the entries are safe, only the mark is missing, as after a crash.
      return;
    }
    await this.#group.sync();
  }
}
