/**
 * Requests of one session that follow one another and go to the same shard: what is sent, answered and, where it was
 * not executed, sent again as one.
 *
 *     | answered | on its way ...            |
 *     0          answered                count
 */
// @hot-path
import type { Frames } from './frames.js';
import { requestKinds } from './frames.js';
import type { Lane } from './lane.js';
import type { Message } from './message.js';
import { Slot } from './slot.js';

/** Who gets the replies. */
export interface RunOwner {
  /**
   * The next `count` requests of the run are answered by `bytes[start, start + length)`, not to be kept. `version` of
   * the last one's key. `run.answered` counts them already.
   */
  answered(run: Run, count: number, bytes: Buffer, start: number, length: number, version: number): void;
  /** The next request of the run is answered with an error. */
  failed(run: Run, message: string): void;
  /** `rest` takes over the last requests of `run`. */
  split(run: Run, rest: Run): void;
}

export class Run extends Slot {
  /** At its channel; -1 while it is not on its way. */
  id = -1;
  owner: RunOwner;
  lane: Lane;
  /** The next one of its lane, on the way or waiting. */
  nextInLane: Run | null = null;
  database = 0;
  dialect: 2 | 3 = 2;
  /** Index in `readModes`. */
  readMode = 0;
  /** Keys that are found do not count as accessed, by the client's wish. */
  noTouch = false;
  isTransaction = false;
  /** Keys are watched in its session: in another one it must not be executed. */
  isGuarded = false;
  wantsVersion = false;
  /** `User.permissions` of whom rules limit; empty for others. */
  permissions = '';
  /** What its node is to tell the client of: see `trackingBits`. */
  tracking = 0;
  /** It may wait for a key, and with it its client. */
  isLasting = false;
  /** Since when, on the monotonic clock, -1 before it was sent; and how long that was when it was sent last, in ms. */
  lastsSinceMs = -1;
  waitedMs = 0;
  /** Its replies are not for the client, by its own wish. */
  isQuiet = false;
  /** Requests, and how many of them are answered. A transaction counts as one request that is written as several. */
  count = 0;
  answered = 0;
  /** Until when it is tried again, on the monotonic clock; 0 as long as it never had to wait. */
  deadlineMs = 0;
  frames: Frames | null = null;
  /** Its first request: the index in `frames`, and where it begins there. */
  #first = 0;
  #start = 0;
  #message: Message | null = null;

  constructor(owner: RunOwner, lane: Lane) {
    super();
    this.owner = owner;
    this.lane = lane;
  }

  get isComplete(): boolean {
    return this.answered === this.count;
  }

  /** It is sent now, for the first time or again: for as long as it lasts, time goes on. */
  sentAt(nowMs: number): void {
    if (this.lastsSinceMs < 0) this.lastsSinceMs = nowMs;
    this.waitedMs = Math.floor(nowMs - this.lastsSinceMs);
  }

  /** Its requests lie, or will lie, in a message. */
  holdIn(message: Message, first: number, start: number): void {
    this.release();
    message.use();
    this.#message = message;
    this.#hold(message, first, start);
  }

  /** Its requests lie in frames of its own. */
  holdOwn(frames: Frames): void {
    this.release();
    this.#hold(frames, 0, 0);
  }

  /** Lets go of its requests. */
  release(): void {
    this.frames = null;
    const message = this.#message;
    if (message === null) return;
    this.#message = null;
    message.unuse();
  }

  /** Whether its requests lie in one of these messages. */
  isHeldIn(messages: ReadonlySet<Message>): boolean {
    return this.#message !== null && messages.has(this.#message);
  }

  /** Whether request `i` may have to be done no more than once. */
  isWrite(i: number): boolean {
    const { frames } = this;
    if (!this.isTransaction) return frames!.kinds[this.#first + i] === requestKinds.write;
    for (let j = this.#first; j < this.#first + this.#framesCount; j++) {
      if (frames!.kinds[j] === requestKinds.write) return true;
    }
    return false;
  }

  /** Copies the requests that are not answered to other frames. */
  copyTo(target: Frames): void {
    const frames = this.frames!;
    const last = this.#first + this.#framesCount;
    for (let i = this.#first + (this.isTransaction ? 0 : this.answered); i < last; i++) {
      target.appendFrom(frames, i, i === this.#first ? this.#start : frames.ends[i - 1]);
    }
  }

  /** The requests that are not answered become all there is. */
  forgetAnswered(): void {
    this.count -= this.answered;
    this.answered = 0;
  }

  /** Leaves its requests from `at` on to another run, which takes its place at the channel if it has one. */
  splitAt(at: number): Run {
    const rest = new Run(this.owner, this.lane);
    rest.database = this.database;
    rest.dialect = this.dialect;
    rest.readMode = this.readMode;
    rest.noTouch = this.noTouch;
    rest.wantsVersion = this.wantsVersion;
    rest.permissions = this.permissions;
    rest.tracking = this.tracking;
    rest.isQuiet = this.isQuiet;
    rest.deadlineMs = this.deadlineMs;
    rest.count = this.count - at;
    if (this.#message !== null) {
      this.#message.use();
      rest.#message = this.#message;
    }
    rest.#hold(this.frames!, this.#first + at, this.frames!.ends[this.#first + at - 1]);
    this.count = at;
    this.owner.split(this, rest);
    return rest;
  }

  /** How many requests lie in the frames: those of a transaction are several. */
  requestsInTransaction = 0;

  get #framesCount(): number {
    return this.isTransaction ? this.requestsInTransaction : this.count;
  }

  #hold(frames: Frames, first: number, start: number): void {
    this.frames = frames;
    this.#first = first;
    this.#start = start;
  }
}
