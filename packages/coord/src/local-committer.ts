/**
 * Commits to a log on this machine, which gathers what waits into one sync, or to none.
 *
 * When the log refuses (the disk is full) the batch is kept and tried again, and no new write is accepted until
 * it went through; nothing was acknowledged meanwhile. When the outcome is unknown (a sync failed) the process
 * must end and recover: `onFatal`.
 */
// @hot-path
import type { Env } from '@holdfast/common';
import { KvError, reasonOf } from '@holdfast/common';
import type { AppendOutcome, Log } from '@holdfast/log';
import { MutationWriter, type Storage } from '@holdfast/storage';
import { type Committer, refusalByDisk } from './committer.js';
import type { Fate } from './coordinator.js';
import type { KeptHistory } from './history/kept-history.js';
import { Wakeups } from './wakeups.js';

/** What gathers, in a turn or while a batch is on its way, is handed over at this size at the latest, in bytes. */
const gatheredBytesMax = 1024 * 1024;

/** How long to wait before a refused batch is tried again, in ms. */
const retryDelayMs = 250;

export interface LocalCommitterOptions {
  readonly storage: Storage;
  readonly env: Env;
  /** Null for none: a write is committed when it is in memory. */
  readonly log: Log | null;
  /** Of this writer; 1 when not given. */
  readonly epoch?: number;
  /** Is told what is committed, while it wants to know. */
  readonly history?: KeptHistory | null;
  /** Whether a write was kept can't be known: the process must end. */
  readonly onFatal: (error: KvError) => void;
}

export class LocalCommitter implements Committer {
  committedVersion: number;
  /** Why the log refuses; empty while it does not. */
  #logRefusal = '';
  readonly #storage: Storage;
  readonly #env: Env;
  readonly #log: Log | null;
  readonly #journal: MutationWriter | null;
  readonly #history: KeptHistory | null;
  readonly #onFatal: (error: KvError) => void;
  readonly #listeners: (() => void)[] = [];
  readonly #epoch: number;
  /** Position of the last batch handed to the log. */
  #position: number;
  /** Batches handed over and not yet committed. */
  #inFlight = 0;
  /** A batch the log refused, and those after it. */
  #refused: { batch: Buffer; version: number }[] = [];
  /** How many of these, the first ones, were on their way: those that come back still go behind them. */
  #returned = 0;
  readonly #wakeups = new Wakeups();
  #hasFailed = false;
  #hasGivenUp = false;
  /** Without a log: gets each batch that is handed over. */
  tap: ((batch: Uint8Array) => void) | null = null;
  /** A write is not complete. */
  isHeld = false;
  isAbandoned = false;

  constructor(options: LocalCommitterOptions) {
    const { storage, log } = options;
    this.#storage = storage;
    this.#env = options.env;
    this.#log = log;
    this.#history = options.history ?? null;
    this.#onFatal = options.onFatal;
    this.#position = log === null ? storage.durablePosition : log.committedPosition;
    this.#epoch = options.epoch ?? 1;
    const isTold = log !== null || storage.needsJournal || (this.#history?.commits ?? null) !== null;
    this.#journal = isTold ? new MutationWriter() : null;
    if (log !== null && this.#journal !== null) this.#journal.bytesMax = log.batchBytesMax;
    storage.journal = this.#journal;
    storage.syncLog = log?.sync === undefined ? null : () => log.sync!();
    this.committedVersion = log === null ? Number.POSITIVE_INFINITY : storage.stamp.last;
  }

  /** The log's or the storage's disk fails. */
  get refusal(): string | null {
    if (this.#logRefusal !== '') return this.#logRefusal;
    const { failure } = this.#storage;
    return failure === null ? null : refusalByDisk(failure);
  }

  get logRefusal(): string | null {
    return this.#logRefusal === '' ? null : this.#logRefusal;
  }

  get position(): number {
    return this.#position;
  }

  settle(): void {
    const journal = this.#journal;
    if (journal === null || journal.length === 0 || this.#hasFailed || this.isHeld) return;
    // While one batch is on its way the next one gathers: fewer and larger ones.
    if (this.#inFlight > 0 && journal.length < gatheredBytesMax) return;
    const batch = journal.bytes.subarray(0, journal.length);
    this.#storage.staged(batch);
    this.tap?.(batch);
    const version = this.#storage.stamp.last;
    if (this.#log === null) this.#committed(batch, ++this.#position, version);
    else if (this.#refused.length > 0) this.#refused.push({ batch: Buffer.from(batch), version });
    else this.#append(this.#log, batch, version);
    journal.clear();
  }

  executed(): void {
    const journal = this.#journal;
    if (journal !== null && journal.length >= gatheredBytesMax) this.settle();
  }

  onCommitted(listener: () => void): void {
    this.#listeners.push(listener);
  }

  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    this.settle();
    // A log that takes batches at once has nobody told: what was gated meanwhile waits for this.
    for (const listener of this.#listeners) listener();
    this.#wakeups.wake();
  }

  abandon(): void {
    this.isAbandoned = true;
    this.#wakeups.wake();
  }

  async drained(): Promise<void> {
    while (this.isHeld && !this.isAbandoned) await this.#wakeups.next();
    this.settle();
    while (this.#inFlight > 0 || this.#refused.length > 0) {
      if (this.#hasFailed) throw new KvError('UNDETERMINED', 'the log failed');
      if (this.#hasGivenUp && this.#inFlight === 0) throw this.#notTaken();
      await this.#wakeups.next();
    }
  }

  giveUp(): void {
    this.#hasGivenUp = true;
    this.#wakeups.wake();
  }

  /** A local server is never deposed: it ends, or everything is committed. */
  fateOf(version: number): Fate {
    return version <= this.committedVersion ? 'committed' : 'unknown';
  }

  #append(log: Log, batch: Buffer, version: number): void {
    if (batch.length > log.batchBytesMax) {
      const cause = new KvError(
        'LIMIT',
        `a batch has ${batch.length} bytes, the log takes ${log.batchBytesMax}`,
      );
      return this.#fail({ kind: 'unknown', cause }, batch, version);
    }
    const after = this.#position;
    const outcome = log.appendSync?.(batch, after, this.#epoch) ?? null;
    if (outcome !== null) {
      if (outcome.kind === 'committed') {
        this.#position = outcome.position;
        this.#commit(batch, outcome.position, version);
      } else {
        this.#fail(outcome, Buffer.from(batch), version);
      }
      return;
    }
    this.#position = after + 1;
    this.#inFlight++;
    // Kept for a refusal: the log takes its own copy before the call returns.
    const kept = Buffer.from(batch);
    log.append(batch, after, this.#epoch).then(
      (late) => this.#appended(late, kept, version),
      (error: unknown) => this.#appended({ kind: 'unknown', cause: error }, kept, version),
    );
  }

  #appended(outcome: AppendOutcome, kept: Buffer, version: number): void {
    this.#inFlight--;
    if (outcome.kind === 'committed') {
      this.#commit(kept, outcome.position, version);
      // The next batch is on its way before the replies to this one are written.
      this.settle();
      for (const listener of this.#listeners) listener();
    } else {
      this.#fail(outcome, kept, version);
    }
    if (this.#inFlight === 0) this.#wakeups.wake();
  }

  #commit(batch: Uint8Array, position: number, version: number): void {
    this.committedVersion = version;
    this.#committed(batch, position, version);
  }

  #committed(batch: Uint8Array, position: number, version: number): void {
    this.#storage.committed(position);
    this.#history?.commits?.committed(batch, position, version);
  }

  #fail(outcome: AppendOutcome, batch: Buffer, version: number): void {
    if (this.#hasFailed) return;
    if (outcome.kind === 'refused' && outcome.reason === 'disk') {
      this.#logRefusal = `MISCONF Errors writing to the log: ${reasonOf(outcome.cause)}. Writes are refused until it accepts them again.`;
      return this.#keep(batch, version);
    }
    // It was sent behind one that the disk refused.
    if (outcome.kind === 'refused' && outcome.reason === 'position' && this.#refused.length > 0)
      return this.#keep(batch, version);
    this.#hasFailed = true;
    const cause = outcome.kind === 'unknown' ? outcome.cause : outcome.kind;
    this.#logRefusal = `UNDETERMINED the log failed: ${reasonOf(cause)}`;
    this.#wakeups.wake();
    this.#onFatal(new KvError('UNDETERMINED', `the log failed: ${reasonOf(cause)}`, { cause }));
  }

  /** To be tried again, in its order. */
  #keep(batch: Buffer, version: number): void {
    const isFirst = this.#refused.length === 0;
    this.#refused.splice(this.#returned++, 0, { batch, version });
    if (isFirst) this.#retryLater();
    if (this.#hasGivenUp) this.#wakeups.wake();
  }

  #retryLater(): void {
    this.#env.timers.setTimeout(() => void this.#retry(), retryDelayMs);
  }

  async #retry(): Promise<void> {
    const log = this.#log!;
    if (this.#inFlight > 0) return this.#retryLater();
    this.#position = log.committedPosition;
    this.#returned = 0;
    while (this.#refused.length > 0) {
      if (this.#hasGivenUp) return;
      const { batch, version } = this.#refused[0];
      const outcome = await log.append(batch, this.#position, this.#epoch);
      if (outcome.kind !== 'committed') {
        if (outcome.kind === 'refused' && outcome.reason === 'disk') return this.#retryLater();
        this.#refused = [];
        return this.#fail(outcome, batch, version);
      }
      this.#refused.shift();
      this.#position = outcome.position;
      this.#commit(batch, outcome.position, version);
    }
    this.#logRefusal = '';
    for (const listener of this.#listeners) listener();
    this.#wakeups.wake();
  }

  #notTaken(): KvError {
    const count = this.#refused.length;
    return new KvError(
      'DISK',
      `the log did not take the last writes, ${count} batches of them, of which nobody was told that they are kept: ${this.#logRefusal}`,
    );
  }
}
