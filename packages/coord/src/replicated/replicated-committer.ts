/**
 * Commits to a log that several nodes share, for as long as this one leads.
 *
 *     execution   | turn 7 | turn 8 | turn 9 | turn 10 ...
 *     log           [ 7 ------------ ]  [ 8 9 10 -----        one append on its way, the next one gathers
 *     lease         |-- from here -->                         when it is committed: from its beginning
 *
 * When an append takes longer than the lease, or another writer has appended, the lead is lost (`onLost`): what was not
 * committed is given up by whoever owns the storage.
 *
 * A read that has to be confirmed depends on a version of its own (`readVersion`), which the next batch carries: with
 * a record of leadership when nothing else is in it. With nothing to append such records renew the lease.
 */
import { type Env, KvError, type Timer } from '@holdfast/common';
import type { Log, Position } from '@holdfast/log';
import type { Storage } from '@holdfast/storage';
import { type Committer, refusalByDisk } from '../committer.js';
import type { Fate } from '../coordinator.js';
import type { KeptHistory } from '../history/kept-history.js';
import { Wakeups } from '../wakeups.js';
import { LeadLease, type Moment } from './lead-lease.js';
import { LeaderBatches } from './leader-batches.js';
import type { HandoverRecord, LeadershipRecord } from './leadership.js';
import { gatheredBytesMin, gatherMsMax, writeBytesMaxOf } from './limits.js';
import { anyRoom, type LogRoom } from './log-room.js';
import { type LeaderBatch, LogWriter, type WriteLoss } from './log-writer.js';

/** Why the lead was lost: `unresolved` after an append that took too long, too; `concluded`: it was given to another. */
export type LossReason = WriteLoss | 'concluded';

export interface ReplicatedCommitterOptions {
  readonly storage: Storage;
  readonly env: Env;
  readonly log: Log;
  /** Of this leader. */
  readonly record: LeadershipRecord;
  /** Of the entry that made it the leader. */
  readonly position: Position;
  /** When the append of that entry began. */
  readonly began: Moment;
  /** A version for a read. Throws KvError UNAVAILABLE when none is at hand. */
  readonly nextVersion: () => number;
  /** Is told of what is committed, while it wants to know. */
  readonly history?: KeptHistory;
  /** The lead is lost. Called once, not within another call. */
  readonly onLost: (reason: LossReason) => void;
  readonly room?: LogRoom;
}

export class ReplicatedCommitter implements Committer {
  isAbandoned = false;
  /** Reads count on the lease: while it is over no reply leaves. */
  countsOnLease = false;
  /** Bytes of the entries that were committed. */
  committedBytes = 0;
  readonly #options: ReplicatedCommitterOptions;
  readonly #batches: LeaderBatches;
  readonly #writer: LogWriter;
  readonly #lease: LeadLease;
  readonly #listeners: (() => void)[] = [];
  #committed: number;
  /** Batches with data that are made and not committed. */
  #uncommitted = 0;
  #isHeld = false;
  #isConcluding = false;
  #isResting = false;
  /** The next batch waits for more, until then. */
  #gathering: Timer | null = null;
  #lost: LossReason | null = null;
  readonly #wakeups = new Wakeups();
  #timer: Timer | null = null;

  constructor(options: ReplicatedCommitterOptions) {
    const { began, env, log, nextVersion, position, record, room = anyRoom, storage } = options;
    this.#options = options;
    const lease = new LeadLease(env.clock, record.leaseMs, began);
    this.#lease = lease;
    this.#writer = new LogWriter({
      env,
      log,
      epoch: record.epoch,
      position,
      began,
      room,
      onCommitted: (batch) => this.#commit(batch),
      onLost: (reason) => this.#lose(reason),
    });
    this.#committed = storage.stamp.last;
    const bytesMax = writeBytesMaxOf(log);
    this.#batches = new LeaderBatches({ storage, record, lease, nextVersion, bytesMax, room });
    this.#watch();
  }

  /** A disk that fails is no reason yet: the log has what was written. But what it has not taken fills memory. */
  get refusal(): string | null {
    const { storage } = this.#options;
    return storage.isStuck ? refusalByDisk(storage.failure!) : null;
  }

  get committedVersion(): number {
    return this.countsOnLease && !this.hasLease ? Number.NEGATIVE_INFINITY : this.#committed;
  }

  /** What depends on a greater version leaves after an append that has not begun yet. */
  get handedVersion(): number {
    return this.#batches.handedVersion;
  }

  get hasLease(): boolean {
    return this.#lease.isHeld;
  }

  get leaseLeftMs(): number {
    return this.#lease.leftMs;
  }

  get position(): Position {
    return this.#writer.position;
  }

  /** Nothing is executed that is not committed. */
  get isClean(): boolean {
    return this.#batches.isEmpty && !this.#isHeld && this.#uncommitted === 0;
  }

  /** A version for reads that wait to be confirmed by the next batch. Throws KvError UNAVAILABLE. */
  readVersion(): number {
    return this.#batches.readVersion();
  }

  settle(): void {
    if (this.#lost !== null || this.#isHeld || this.#isConcluding || this.#isResting) return;
    if (this.#writer.sending === null && this.#gathering === null) {
      this.#cutWhatGathered();
      this.#writer.begin();
    } else if (this.#batches.isLarge) {
      this.#cut();
      this.#writer.begin();
    }
  }

  executed(): void {
    if (!this.#batches.isFull || this.#isHeld || this.#lost !== null) return;
    this.#cut();
    this.#writer.begin();
  }

  onCommitted(listener: () => void): void {
    this.#listeners.push(listener);
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.settle();
    this.#wakeups.wake();
  }

  abandon(): void {
    this.isAbandoned = true;
    this.#wakeups.wake();
  }

  async drained(): Promise<void> {
    await this.unheld();
    if (!this.isAbandoned) await this.settled();
  }

  /** A write is in the middle. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Resolves when no write is in the middle, or it is abandoned. Throws KvError UNDETERMINED when the lead is lost. */
  async unheld(): Promise<void> {
    while (this.#isHeld && !this.isAbandoned) {
      this.#throwWhenLost();
      await this.#wakeups.next();
    }
    this.#throwWhenLost();
  }

  /**
   * Resolves once everything is committed that was executed before, with the position up to which that is in the
   * log: whatever comes after it was executed later. Throws KvError UNDETERMINED when the lead is lost before, or a
   * write was abandoned.
   */
  async settled(): Promise<Position> {
    while (this.#isHeld && !this.isAbandoned) await this.unheld();
    if (this.isAbandoned) throw leadsNoLonger();
    this.#throwWhenLost();
    this.settle();
    this.#cutWhatGathered();
    this.#writer.begin();
    this.#throwWhenLost();
    const { last } = this.#writer;
    return last === null ? this.#writer.position : this.#writer.settled(last);
  }

  /**
   * As `settled`, by an append that begins after the call: nobody else can have led when it was made. It says of the log
   * which version it has reached. Throws KvError UNAVAILABLE too, when no version is at hand for it.
   */
  confirmed(): Promise<Position> {
    this.#batches.markNext();
    return this.settled();
  }

  /**
   * Appends nothing from when it resolves until `goOn`, not even who leads. Nothing may be executed meanwhile, and
   * everything is settled. Throws KvError UNDETERMINED when the lead is lost before.
   */
  async rest(): Promise<void> {
    this.#isResting = true;
    while (this.#writer.sending !== null) {
      this.#throwWhenLost();
      await this.#wakeups.next();
    }
    this.#throwWhenLost();
  }

  goOn(): void {
    this.#isResting = false;
    this.settle();
  }

  fateOf(version: number): Fate {
    if (version <= this.#committed) return this.countsOnLease && !this.hasLease ? 'unknown' : 'committed';
    if (this.#lost === 'limit') return 'unknown';
    const { appending } = this.#writer;
    return appending !== null && version <= appending.version ? 'unknown' : 'dropped';
  }

  /**
   * Ends the lead by an entry that says so, after everything that was written. Nothing may be executed from now on.
   * Resolves when the lead is lost, with whether it was in this way.
   */
  async conclude(record: HandoverRecord): Promise<boolean> {
    this.settle();
    this.#isConcluding = true;
    this.#lease.giveUp();
    this.#cutWhatGathered();
    this.#writer.put(this.#batches.ofRecord(record, true));
    this.#writer.begin();
    while (this.#lost === null) await this.#wakeups.next();
    return this.#lost === 'concluded';
  }

  /**
   * Nothing is appended any more, and what was not committed never counts. What is on its way may yet arrive. A storage
   * that holds what was not handed over keeps the journal that says so: without, it would take its memory for committed.
   */
  stop(): void {
    this.#lose('closed', false);
    if (this.isClean) this.#options.storage.journal = null;
  }

  // Batches

  #cutWhatGathered(): void {
    if (this.#batches.hasGathered) this.#cut();
  }

  /** Makes a batch of what has gathered, or of who leads. */
  #cut(): void {
    const batch = this.#batches.cut(this.#options.log.batchBytesMax);
    if (batch === null) return this.#lose('limit');
    if (batch.hasData) this.#uncommitted++;
    this.#writer.put(batch);
  }

  #commit(batch: LeaderBatch): void {
    const { history, storage } = this.#options;
    const { position } = this.#writer;
    this.committedBytes += batch.bytes.length;
    if (batch.hasData) {
      this.#uncommitted--;
      storage.committed(position);
    } else if (this.isClean) {
      // Told of it only now, and only when nothing else is under way: it would be mistaken for something else.
      storage.staged(nothing);
      storage.committed(position);
    }
    this.#committed = batch.version;
    history?.replicated?.committed(batch.bytes, position);
    this.#lease.extend(this.#writer.began);
    if (batch.isLast) this.#lose('concluded');
    // The next batch is on its way before the replies to this one are written.
    this.#writer.begin();
    if (this.#writer.sending === null) {
      if (batch.bytes.length >= gatheredBytesMin) this.#gather();
      else this.settle();
    }
    for (const listener of this.#listeners) listener();
    this.#wakeups.wake();
  }

  /**
   * Many write: what they send when they have their replies had better be one batch than several, since what a batch costs
   * goes hardly by its bytes. So the next one waits as long as this one took.
   */
  #gather(): void {
    const { clock, timers } = this.#options.env;
    const tookMs = clock.monotonic() - this.#writer.beganMs;
    this.#gathering ??= timers.setTimeout(
      () => {
        this.#gathering = null;
        this.settle();
      },
      Math.min(tookMs, gatherMsMax),
    );
  }

  // The lease

  /** Renews the lease in time, and gives up when an append takes longer than one. */
  #watch(): void {
    const { env } = this.#options;
    const sinceMs = env.clock.monotonic() - this.#writer.beganMs;
    const { appending, isStaging } = this.#writer;
    if (appending !== null && sinceMs >= this.#lease.ms) return this.#lose('unresolved');
    const isQuiet = (this.#isConcluding || this.#isResting) && !isStaging;
    const isDue = sinceMs >= this.#lease.renewalMs || (this.countsOnLease && !this.hasLease);
    if (appending === null && !isQuiet && isDue) this.#renew();
    if (this.#lost !== null) return;
    this.#timer = env.timers.setTimeout(() => this.#watch(), this.#lease.renewalMs / 4);
  }

  #renew(): void {
    const { record } = this.#options;
    if (this.#writer.isStaging) {
      // Before the batch that is being stored: nothing of that is committed by it.
      this.#writer.renew(this.#batches.ofRecord(record, false, this.#committed));
      this.#lease.recorded();
      return;
    }
    if (this.#isHeld) {
      // In the middle of a write: the storage must not be told anything.
      this.#writer.put(this.#batches.ofRecord(record, false));
      this.#lease.recorded();
    } else {
      this.#cut();
    }
    this.#writer.begin();
  }

  /**
   * The storage keeps its journal until the owner hears of it: what is executed until then is seen to be uncommitted.
   */
  #lose(reason: LossReason, isToldOf = true): void {
    if (this.#lost !== null) return;
    this.#lost = reason;
    if (this.#timer !== null) this.#options.env.timers.clearTimeout(this.#timer);
    if (this.#gathering !== null) this.#options.env.timers.clearTimeout(this.#gathering);
    this.#wakeups.wake();
    this.#writer.stop(leadsNoLonger());
    // Later: this may be within a turn.
    if (isToldOf) void Promise.resolve().then(() => this.#options.onLost(reason));
  }

  #throwWhenLost(): void {
    if (this.#lost !== null) throw leadsNoLonger();
  }
}

const nothing = new Uint8Array(0);

function leadsNoLonger(): KvError {
  return new KvError('UNDETERMINED', 'this node leads no longer');
}
