/**
 * Commits to a log that several nodes share, for as long as this one leads.
 *
 *     execution   | turn 7 | turn 8 | turn 9 | turn 10 ...
 *     log           [ 7 ------------ ]  [ 8 9 10 -----        one append on its way, the next one gathers
 *     lease         |-- from here -->                         when it is committed: from its beginning
 *
 * An append whose outcome is unknown is resolved before anything else is appended. When that takes longer than
 * the lease, or another writer has appended, the lead is lost (`onLost`): what was not committed is given up by
 * whoever owns the storage.
 *
 * A read that has to be confirmed depends on a version of its own (`readVersion`), which the next batch carries: with
 * a record of leadership when nothing else is in it. With nothing to append such records renew the lease.
 */
import { type Env, KvError, type Timer } from '@holdfast/common';
import type { AppendOutcome, Committed, Log, Position, Refused } from '@holdfast/log';
import { MutationWriter, type Storage } from '@holdfast/storage';
import type { Committer } from '../committer.js';
import type { Fate } from '../coordinator.js';
import { type HandoverRecord, type LeadershipRecord, shardBatch } from './leadership.js';

/** What gathers is cut into a batch of its own at this size, in bytes: after a turn, and within one. */
const batchBytesAim = 256 * 1024;
const batchBytesMost = 1024 * 1024;

const retryDelayMs = 20;

/** Of the lease, after which it is renewed when nothing else was appended. */
const renewalShare = 1 / 3;

/**
 * Why the lead was lost.
 * - `another`: somebody else has appended.
 * - `unresolved`: what became of an append could not be known in time, or the log refused for too long.
 * - `concluded`: it was given to somebody else.
 * - `limit`: a write had more effects than a batch may have.
 * - `closed`: the log was closed.
 */
export type LossReason = 'another' | 'unresolved' | 'concluded' | 'limit' | 'closed';

export interface ReplicatedCommitterOptions {
  readonly storage: Storage;
  readonly env: Env;
  readonly log: Log;
  /** Of this leader. */
  readonly record: LeadershipRecord;
  /** Of the entry that made it the leader. */
  readonly position: Position;
  /** When the append of that entry began, by the monotonic clock. */
  readonly beganMs: number;
  /** A version for a read. Throws KvError UNAVAILABLE when none is at hand. */
  readonly nextVersion: () => number;
  /** The lead is lost. Called once, not within another call. */
  readonly onLost: (reason: LossReason) => void;
}

interface Batch {
  readonly bytes: Uint8Array;
  /** Up to this version everything is committed once it is. */
  readonly version: number;
  /** It says more than who leads: the storage was told of it. */
  readonly hasData: boolean;
  /** Nothing may follow it. */
  readonly isLast: boolean;
}

interface Settling {
  readonly last: Batch;
  readonly resolve: (position: Position) => void;
  readonly reject: (error: KvError) => void;
}

export class ReplicatedCommitter implements Committer {
  readonly refusal = null;
  isAbandoned = false;
  /** Reads count on the lease: while it is over no reply leaves. */
  countsOnLease = false;
  /** What depends on a greater version leaves after an append that has not begun yet. */
  handedVersion: number;
  readonly #options: ReplicatedCommitterOptions;
  readonly #journal = new MutationWriter();
  readonly #listeners: (() => void)[] = [];
  #committed: number;
  #position: Position;
  /** Bytes of the entries that were committed. */
  committedBytes = 0;
  /** See `readVersion`; 0 while no read waits for the next batch. */
  #readVersion = 0;
  /** Batches that wait for the one that is on its way. */
  #waiting: Batch[] = [];
  #sending: Batch | null = null;
  /** Batches with data that are made and not committed. */
  #uncommitted = 0;
  /** When the append of `#sending`, or the last one, began. */
  #beganMs: number;
  #leaseUntilMs: number;
  /** When a batch last told who leads. */
  #recordedMs: number;
  #isHeld = false;
  #isConcluding = false;
  #isResting = false;
  #lost: LossReason | null = null;
  #idle: (() => void)[] = [];
  #settling: Settling[] = [];
  #timer: Timer | null = null;

  constructor(options: ReplicatedCommitterOptions) {
    const { storage, beganMs, position, record } = options;
    this.#options = options;
    this.#position = position;
    this.#beganMs = beganMs;
    this.#recordedMs = beganMs;
    this.#leaseUntilMs = beganMs + record.leaseMs;
    this.#committed = storage.stamp.last;
    this.handedVersion = this.#committed;
    storage.journal = this.#journal;
    this.#watch();
  }

  get committedVersion(): number {
    return this.countsOnLease && !this.hasLease ? Number.NEGATIVE_INFINITY : this.#committed;
  }

  get hasLease(): boolean {
    return this.#options.env.clock.monotonic() < this.#leaseUntilMs;
  }

  get leaseLeftMs(): number {
    return Math.max(0, this.#leaseUntilMs - this.#options.env.clock.monotonic());
  }

  get position(): Position {
    return this.#position;
  }

  /** Nothing is executed that is not committed. */
  get isClean(): boolean {
    return this.#journal.length === 0 && !this.#isHeld && this.#uncommitted === 0;
  }

  /** A version for reads that wait to be confirmed by the next batch. Throws KvError UNAVAILABLE. */
  readVersion(): number {
    if (this.#readVersion === 0) this.#readVersion = this.#options.nextVersion();
    return this.#readVersion;
  }

  settle(): void {
    if (this.#lost !== null || this.#isHeld || this.#isConcluding || this.#isResting) return;
    if (this.#sending === null) {
      if (this.#journal.length > 0 || this.#readVersion !== 0) this.#cut();
      this.#sendNext();
    } else if (this.#journal.length >= batchBytesAim) {
      this.#cut();
    }
  }

  /** A command ran: a turn that writes a lot becomes several batches. */
  executed(): void {
    if (this.#journal.length < batchBytesMost || this.#isHeld || this.#lost !== null) return;
    this.#cut();
    if (this.#sending === null) this.#sendNext();
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
    this.#wakeIdle();
  }

  abandon(): void {
    this.isAbandoned = true;
    this.#wakeIdle();
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
      await new Promise<void>((resolve) => this.#idle.push(resolve));
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
    if (this.#journal.length > 0 || this.#readVersion !== 0) this.#cut();
    if (this.#sending === null) this.#sendNext();
    this.#throwWhenLost();
    const last = this.#waiting.at(-1) ?? this.#sending;
    if (last === null) return this.#position;
    return new Promise((resolve, reject) => this.#settling.push({ last, resolve, reject }));
  }

  /**
   * As `settled`, by an append that begins after the call: nobody else can have led when it was made. Throws KvError
   * UNAVAILABLE too, when no version is at hand for it.
   */
  confirmed(): Promise<Position> {
    this.readVersion();
    return this.settled();
  }

  /**
   * Appends nothing from when it resolves until `goOn`, not even who leads. Nothing may be executed meanwhile, and
   * everything is settled. Throws KvError UNDETERMINED when the lead is lost before.
   */
  async rest(): Promise<void> {
    this.#isResting = true;
    while (this.#sending !== null) {
      this.#throwWhenLost();
      await new Promise<void>((resolve) => this.#idle.push(resolve));
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
    return this.#sending !== null && version <= this.#sending.version ? 'unknown' : 'dropped';
  }

  /**
   * Ends the lead by an entry that says so, after everything that was written. Nothing may be executed from now on.
   * Resolves when the lead is lost, with whether it was in this way.
   */
  async conclude(record: HandoverRecord): Promise<boolean> {
    this.settle();
    this.#isConcluding = true;
    this.#leaseUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#journal.length > 0 || this.#readVersion !== 0) this.#cut();
    const version = this.handedVersion;
    this.#waiting.push({
      bytes: shardBatch(record, version),
      version,
      hasData: false,
      isLast: true,
    });
    if (this.#sending === null) this.#sendNext();
    while (this.#lost === null) await new Promise<void>((resolve) => this.#idle.push(resolve));
    return this.#lost === 'concluded';
  }

  /** Nothing is appended any more, and what was not committed never counts. What is on its way may yet arrive. */
  stop(): void {
    this.#lose('closed', false);
  }

  // Batches

  /** Makes a batch of what has gathered. */
  #cut(): void {
    const { env, log, record, storage } = this.#options;
    const version = Math.max(storage.stamp.last, this.#readVersion, this.handedVersion);
    const data = this.#journal.bytes.subarray(0, this.#journal.length);
    const isDue = env.clock.monotonic() - this.#recordedMs >= record.leaseMs * renewalShare;
    const bytes =
      data.length === 0
        ? shardBatch(record, version)
        : Buffer.concat(isDue ? [shardBatch(record, version), data] : [data]);
    if (bytes.length > log.batchBytesMax) return this.#lose('limit', true);
    if (isDue || data.length === 0) this.#recordedMs = env.clock.monotonic();
    const hasData = data.length > 0;
    if (hasData) {
      storage.staged(bytes);
      this.#uncommitted++;
    }
    this.#journal.clear();
    this.#readVersion = 0;
    this.handedVersion = version;
    this.#waiting.push({ bytes, version, hasData, isLast: false });
  }

  /** Nothing but who leads, whatever else is going on. */
  #renew(): void {
    const { env, record } = this.#options;
    if (this.#isHeld) {
      // In the middle of a write: the storage must not be told anything.
      this.#waiting.push({
        bytes: shardBatch(record, this.handedVersion),
        version: this.handedVersion,
        hasData: false,
        isLast: false,
      });
      this.#recordedMs = env.clock.monotonic();
    } else {
      this.#cut();
    }
    this.#sendNext();
  }

  #sendNext(): void {
    const next = this.#waiting.shift();
    if (next === undefined || this.#lost !== null) return;
    this.#sending = next;
    this.#send(next);
  }

  #send(batch: Batch): void {
    const { env, log, record } = this.#options;
    this.#beganMs = env.clock.monotonic();
    log.append(batch.bytes, this.#position, record.epoch).then(
      (outcome) => this.#landed(batch, outcome),
      (error: unknown) => this.#lose(codeOf(error) === 'LIMIT' ? 'limit' : 'closed', true),
    );
  }

  #landed(batch: Batch, outcome: AppendOutcome): void {
    if (this.#lost !== null) return;
    if (outcome.kind === 'committed') this.#commit(batch, outcome.position);
    else if (outcome.kind === 'unknown') void this.#resolve(batch);
    else this.#refused(batch, outcome);
  }

  #commit(batch: Batch, position: Position): void {
    const { record, storage } = this.#options;
    this.#position = position;
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
    if (!this.#isConcluding) this.#leaseUntilMs = this.#beganMs + record.leaseMs;
    this.#sending = null;
    this.#tellSettled(batch);
    if (batch.isLast) this.#lose('concluded', true);
    // The next batch is on its way before the replies to this one are written.
    if (this.#waiting.length > 0) this.#sendNext();
    else this.settle();
    for (const listener of this.#listeners) listener();
    this.#wakeIdle();
  }

  /** It is not in the log and never will be. */
  #refused(batch: Batch, { reason }: Refused): void {
    if (reason !== 'disk' && reason !== 'unavailable') {
      this.#sending = null;
      this.#lose('another', true);
      return;
    }
    this.#later(() => {
      // As one append with those before, for how long it may take.
      const beganMs = this.#beganMs;
      this.#send(batch);
      this.#beganMs = beganMs;
    });
  }

  async #resolve(batch: Batch): Promise<void> {
    const { log } = this.#options;
    try {
      const [outcome] = await log.resolve();
      if (this.#lost !== null) return;
      this.#landed(batch, outcome ?? missing(this.#position));
    } catch (error) {
      if (codeOf(error) === 'UNAVAILABLE') this.#later(() => void this.#resolve(batch));
      else this.#lose('unresolved', true);
    }
  }

  // The lease

  /** Renews the lease in time, and gives up when an append takes longer than one. */
  #watch(): void {
    const { env, record } = this.#options;
    const sinceMs = env.clock.monotonic() - this.#beganMs;
    if (this.#sending !== null && sinceMs >= record.leaseMs) return this.#lose('unresolved', true);
    const isQuiet = this.#isConcluding || this.#isResting;
    if (this.#sending === null && !isQuiet && sinceMs >= record.leaseMs * renewalShare) {
      this.#renew();
    }
    if (this.#lost !== null) return;
    this.#timer = env.timers.setTimeout(() => this.#watch(), (record.leaseMs * renewalShare) / 4);
  }

  #lose(reason: LossReason, isToldOf: boolean): void {
    const { env, storage } = this.#options;
    if (this.#lost !== null) return;
    this.#lost = reason;
    if (this.#timer !== null) env.timers.clearTimeout(this.#timer);
    storage.journal = null;
    this.#wakeIdle();
    for (const { reject } of this.#settling.splice(0)) reject(leadsNoLonger());
    // Later: this may be within a turn.
    if (isToldOf) void Promise.resolve().then(() => this.#options.onLost(reason));
  }

  #later(run: () => void): void {
    this.#options.env.timers.setTimeout(() => {
      if (this.#lost === null) run();
    }, retryDelayMs);
  }

  #tellSettled(batch: Batch): void {
    if (this.#settling.length === 0) return;
    const settled = this.#settling.filter(({ last }) => last === batch);
    this.#settling = this.#settling.filter(({ last }) => last !== batch);
    for (const { resolve } of settled) resolve(this.#position);
  }

  #throwWhenLost(): void {
    if (this.#lost !== null) throw leadsNoLonger();
  }

  #wakeIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}

const nothing = new Uint8Array(0);

function missing(tail: Position): Committed | Refused {
  return { kind: 'refused', reason: 'unavailable', tail };
}

function leadsNoLonger(): KvError {
  return new KvError('UNDETERMINED', 'this node leads no longer');
}

function codeOf(error: unknown): string {
  return error instanceof KvError ? error.code : '';
}
