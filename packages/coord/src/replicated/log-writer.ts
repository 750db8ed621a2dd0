/**
 * Writes the log of a shard as its only writer: batch after batch, one append on its way at a time.
 *
 *     put ---> [ waiting ... ] ---> on its way ---> committed
 *                                    |  ^  '------> unknown: resolved before anything else is appended
 *                                    |  '---------- refused for now: again in a while
 *                                    '------------> refused because another has appended: lost
 *
 * A batch that is so long that its append would take a while is stored first. Meanwhile the log says who leads, as
 * often as ever, so the lease does not hang on how long that takes, nor on what becomes of it:
 *
 *     long batch    stored: [1][2][3][4][5][6][7][8]  its append: [ ]
 *     renewals              [ ]        [ ]        [ ]
 *
 * Whether an append takes too long is for the owner to say: `beganMs`.
 */
import { type Env, KvError } from '@holdfast/common';
import type { AppendOutcome, Committed, Log, Position, Refused, Staged } from '@holdfast/log';
import { type Moment, momentOf } from './lead-lease.js';
import { anyRoom, type LogRoom } from './log-room.js';

const retryDelayMs = 20;

export interface LeaderBatch {
  readonly bytes: Uint8Array;
  /** Up to this version everything is committed once it is. */
  readonly version: number;
  /** It says more than who leads: the storage was told of it. */
  readonly hasData: boolean;
  /** Nothing may follow it. */
  readonly isLast: boolean;
}

/**
 * Why nothing can be written any more.
 * - `another`: somebody else has appended.
 * - `unresolved`: what became of an append can't be known.
 * - `limit`: a batch is longer than the log takes.
 * - `closed`: the log was closed.
 */
export type WriteLoss = 'another' | 'unresolved' | 'limit' | 'closed';

export interface LogWriterOptions {
  readonly env: Env;
  readonly log: Log;
  readonly epoch: number;
  /** Of the last entry; and when its append began. */
  readonly position: Position;
  readonly began: Moment;
  /** Nothing is on its way then; `begin` sends the next one. */
  readonly onCommitted: (batch: LeaderBatch) => void;
  readonly onLost: (reason: WriteLoss) => void;
  /** Is told of what is stored; any when not given. */
  readonly room?: LogRoom;
}

interface Settling {
  readonly batch: LeaderBatch;
  readonly resolve: (position: Position) => void;
  readonly reject: (error: KvError) => void;
}

export class LogWriter {
  readonly #options: LogWriterOptions;
  #waiting: LeaderBatch[] = [];
  #sending: LeaderBatch | null = null;
  /** `#sending`, or a renewal while that is stored. */
  #appending: LeaderBatch | null = null;
  #isStaging = false;
  /** Of `#sending`. */
  #staged: Staged | undefined;
  readonly #stopping = new AbortController();
  #position: Position;
  #began: Moment;
  #settling: Settling[] = [];
  #isStopped = false;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#began = options.began;
  }

  /** Of the last entry that is committed. */
  get position(): Position {
    return this.#position;
  }

  /** The batch that is on its way, or is being stored, or was when it was stopped. */
  get sending(): LeaderBatch | null {
    return this.#sending;
  }

  /** What the log was asked to append and has not answered for: whether it is there, or will be, is not known. */
  get appending(): LeaderBatch | null {
    return this.#appending;
  }

  /** A batch is being stored: it is not appended yet, and renewals go before it. */
  get isStaging(): boolean {
    return this.#isStaging;
  }

  /** The last batch that is not committed. */
  get last(): LeaderBatch | null {
    return this.#waiting.at(-1) ?? this.#sending;
  }

  /** When the append that is on its way, or the last one, was first tried. */
  get began(): Moment {
    return this.#began;
  }

  /** The same, by the monotonic clock. */
  get beganMs(): number {
    return this.#began.monotonicMs;
  }

  /** Lets a batch wait until `begin` is called and those before it are committed. */
  put(batch: LeaderBatch): void {
    this.#waiting.push(batch);
  }

  /** Sends the next batch, unless one is on its way or none waits. */
  begin(): void {
    if (this.#sending !== null || this.#isStopped) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#sending = next;
    this.#stage(next);
  }

  /** Says who leads while a batch is being stored, unless that is on its way: `batch` goes before it. */
  renew(batch: LeaderBatch): void {
    if (this.#isStaging && this.#appending === null && !this.#isStopped) this.#append(batch);
  }

  /** Resolves with the position of the last entry once `batch` is committed. Throws KvError when stopped before. */
  settled(batch: LeaderBatch): Promise<Position> {
    return new Promise((resolve, reject) => this.#settling.push({ batch, resolve, reject }));
  }

  /** Sends nothing any more. What is on its way may yet arrive. */
  stop(reason: KvError): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#stopping.abort();
    // Unless its append is on its way, nobody will ever read it.
    if (this.#staged !== undefined && this.#appending !== this.#sending) this.#unstage(this.#staged);
    for (const { reject } of this.#settling.splice(0)) reject(reason);
  }

  #stage(batch: LeaderBatch): void {
    const { log, room = anyRoom } = this.#options;
    const staging = log.stage?.(batch.bytes, this.#stopping.signal) ?? null;
    this.#isStaging = staging !== null;
    if (staging === null) return this.#appendNext();
    room.take(batch.bytes.length);
    staging.then(
      (staged) => {
        this.#isStaging = false;
        if (this.#isStopped) return this.#unstage(staged);
        this.#staged = staged;
        this.#appendNext();
      },
      (error: unknown) => this.#notStored(batch, error),
    );
  }

  #unstage(staged: Staged): void {
    void this.#options.log.unstage?.(staged);
  }

  #notStored(batch: LeaderBatch, error: unknown): void {
    if (this.#isStopped) return;
    const code = codeOf(error);
    // There is no room now.
    if (code === 'DISK') this.#later(() => this.#stage(batch));
    else this.#fail(code);
  }

  /** Appends the batch that is next, unless it is being stored, or a renewal is still on its way. */
  #appendNext(): void {
    const next = this.#sending;
    if (next === null || this.#isStaging || this.#appending !== null || this.#isStopped) return;
    this.#append(next);
  }

  #append(batch: LeaderBatch): void {
    this.#appending = batch;
    this.#began = momentOf(this.#options.env.clock);
    this.#send(batch);
  }

  #send(batch: LeaderBatch): void {
    const { epoch, log } = this.#options;
    const staged = batch === this.#sending ? this.#staged : undefined;
    log.append(batch.bytes, this.#position, epoch, staged).then(
      (outcome) => this.#landed(batch, outcome),
      (error: unknown) => {
        if (!this.#isStopped) this.#fail(codeOf(error));
      },
    );
  }

  #fail(code: string): void {
    if (code === 'INVALID') this.#options.onLost('another');
    else this.#options.onLost(code === 'LIMIT' ? 'limit' : 'closed');
  }

  #landed(batch: LeaderBatch, outcome: AppendOutcome): void {
    if (this.#isStopped) return;
    if (outcome.kind === 'committed') this.#committed(batch, outcome.position);
    else if (outcome.kind === 'unknown') void this.#resolve(batch);
    else this.#refused(batch, outcome);
  }

  #committed(batch: LeaderBatch, position: Position): void {
    this.#position = position;
    this.#appending = null;
    if (batch === this.#sending) {
      this.#sending = null;
      this.#staged = undefined;
    }
    this.#tellSettled(batch);
    this.#options.onCommitted(batch);
    this.#appendNext();
  }

  /** It is not in the log and never will be. */
  #refused(batch: LeaderBatch, { reason }: Refused): void {
    if (reason === 'disk' || reason === 'unavailable') {
      // As one append with those before, for how long it may take.
      this.#later(() => this.#send(batch));
      return;
    }
    this.#appending = null;
    this.#options.onLost('another');
  }

  async #resolve(batch: LeaderBatch): Promise<void> {
    try {
      const [outcome] = await this.#options.log.resolve();
      this.#landed(batch, outcome ?? missing(this.#position));
    } catch (error) {
      if (codeOf(error) === 'UNAVAILABLE') this.#later(() => void this.#resolve(batch));
      else this.#options.onLost('unresolved');
    }
  }

  #later(run: () => void): void {
    this.#options.env.timers.setTimeout(() => {
      if (!this.#isStopped) run();
    }, retryDelayMs);
  }

  #tellSettled(batch: LeaderBatch): void {
    if (this.#settling.length === 0) return;
    const settled = this.#settling.filter((each) => each.batch === batch);
    this.#settling = this.#settling.filter((each) => each.batch !== batch);
    for (const { resolve } of settled) resolve(this.#position);
  }
}

function missing(tail: Position): Committed | Refused {
  return { kind: 'refused', reason: 'unavailable', tail };
}

function codeOf(error: unknown): string {
  return error instanceof KvError ? error.code : '';
}
