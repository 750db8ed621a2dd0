/** A client of a gateway at one shard: a session of the shard's coordinator, and the runs that wait in it. */
import { type Session, type SessionSink, trackingBits, trackingOptionsOf } from '@holdfast/coord';
import { messageBytesMax } from '@holdfast/rpc';
import type { BufferPool } from '../resp/buffer-pool.js';
import type { Connection } from './connection.js';
import { messagesBytesMax } from './limits.js';
import { SessionReply } from './reply.js';
import type { Shard } from './shard.js';

/** Requests, and how they are meant. */
export interface RunView {
  readonly id: number;
  readonly bytes: Buffer;
  /** The requests: `bytes[start, end)`. */
  readonly start: number;
  readonly end: number;
  readonly database: number;
  readonly dialect: 2 | 3;
  readonly readMode: number;
  readonly isTransaction: boolean;
  readonly wantsVersion: boolean;
  /** Of a client that is limited: see `User.permissions`. Empty for others. */
  readonly permissions: string;
  /** Keys that are found do not count as accessed. */
  readonly noTouch: boolean;
  /** How long its command has waited elsewhere: see `Session.waitedMs`. */
  readonly waitedMs: number;
  /** What the client is told of when it changes: see `trackingBits`. */
  readonly tracking: number;
  /** When it arrived: see `Session.arrival`. That of all its requests, however many turns they take. */
  readonly arrival: number;
}

/** A run that waits: its bytes are its own. */
export class WaitingRun implements RunView {
  readonly id: number;
  readonly bytes: Buffer;
  readonly start = 0;
  readonly end: number;
  readonly database: number;
  readonly dialect: 2 | 3;
  readonly readMode: number;
  readonly isTransaction: boolean;
  readonly wantsVersion: boolean;
  readonly permissions: string;
  readonly noTouch: boolean;
  readonly waitedMs: number;
  readonly tracking: number;
  readonly arrival: number;

  /** The requests of `run` from `start` on. */
  constructor(run: RunView, start: number) {
    this.id = run.id;
    this.bytes = Buffer.from(run.bytes.subarray(start, run.end));
    this.end = this.bytes.length;
    this.database = run.database;
    this.dialect = run.dialect;
    this.readMode = run.readMode;
    this.isTransaction = run.isTransaction;
    this.wantsVersion = run.wantsVersion;
    this.permissions = run.permissions;
    this.noTouch = run.noTouch;
    this.waitedMs = run.waitedMs;
    this.tracking = run.tracking;
    this.arrival = run.arrival;
  }
}

export class NodeSession implements SessionSink {
  readonly number: number;
  readonly shard: Shard;
  readonly reply: SessionReply;
  /** What it is sent that no request asked for: also while a command waits. */
  readonly messages: SessionReply;
  session!: Session;
  readonly outputBytes = 0;
  /** Whom the session is held to be: see `RunView.permissions`. */
  permissions = '';
  /** What its client is told of: see `RunView.tracking`. */
  tracking = 0;
  /** Of what it was answered and sent, how much waits in the outbox for a commit. */
  heldEntries = 0;
  /** The run whose command waits, without its requests; null when none does. */
  waiting: WaitingRun | null = null;
  /** In order: behind the command that waits, or what is held. */
  readonly queue: WaitingRun[] = [];
  inputBytes = 0;
  /** Something came back to the gateway, not executed: everything behind it does, too. */
  isRefusing = false;
  /** The run that came back last, of which more than one part may be held; -1 when none did. */
  refusedRun = -1;
  /** How the command at the end of its queue is to wait no longer, once it does; empty while it may. */
  unblocking: '' | 'ERROR' | 'TIMEOUT' = '';
  /** Its queue goes on once there is room for replies: see `RunExecutor.hold`. */
  isHeld = false;
  /** What it was replied since it was held last, in large pieces. */
  sliceBytes = 0;
  /** Its client does not read: its queue goes on when the gateway says so. */
  isPaused = false;
  readonly #connection: Connection;

  constructor(connection: Connection, number: number, shard: Shard, pool: BufferPool) {
    this.#connection = connection;
    this.number = number;
    this.shard = shard;
    this.reply = new SessionReply(pool, messageBytesMax);
    this.messages = new SessionReply(pool, messagesBytesMax);
    this.messages.dialect = 3;
  }

  /** The client may do what the rules say, whatever is asked on its behalf; anything when there are none. */
  limitTo(permissions: string): void {
    this.permissions = permissions;
    this.shard.coordinator.limit(this.session, permissions);
  }

  /** Keys that its client finds count as accessed, or do not, by its wish. */
  touchNothing(isWished: boolean): void {
    this.session.noTouch = isWished;
    if (isWished) this.shard.coordinator.kv.usage.ask();
  }

  /** From its next request on. With `broadcast` that request says the rest. */
  trackAs(mode: number): void {
    this.tracking = mode;
    const { tracking } = this.shard.coordinator;
    if (mode === 0) tracking.disable(this.session);
    else if ((mode & trackingBits.broadcast) === 0) tracking.enable(this.session, trackingOptionsOf(mode));
  }

  get isBusy(): boolean {
    return this.waiting !== null || this.queue.length > 0 || this.isHeld || this.isPaused;
  }

  /** Nothing keeps its queue from going on but what is unsent, or its client. */
  get canGoOn(): boolean {
    return this.hasNext && !this.isRefusing;
  }

  /** Something is in its queue, and no command before it waits. */
  get hasNext(): boolean {
    return this.queue.length > 0 && this.waiting === null;
  }

  enqueue(run: WaitingRun): void {
    this.queue.push(run);
    this.#queued(run.end);
  }

  /** Begins the queue with what is left of a run. */
  enqueueFirst(run: WaitingRun): void {
    this.queue.unshift(run);
    this.#queued(run.end);
  }

  dequeue(): WaitingRun {
    const run = this.queue.shift()!;
    this.#queued(-run.end);
    return run;
  }

  #queued(bytes: number): void {
    this.inputBytes += bytes;
    this.#connection.queuedBytes += bytes;
  }

  // SessionSink

  /** While a command waits, what was written to `reply` is its reply: `resume` follows. */
  wake(): void {
    if (this.messages.length > 0) this.#connection.awake(this);
  }

  resume(): void {
    this.#connection.awake(this);
  }

  close(): void {
    this.#connection.endSession(this);
  }
}
