/**
 * One session's way to one shard. What goes along it keeps its order, also when the shard's leader changes:
 *
 *     on the way     run 4 | run 5 | run 6        at a node, in a session of the lane's number
 *     recovered      run 3                        came back: not executed
 *     parked         run 7 | run 8                waits for a leader
 *
 * Once something came back, all of what is on the way comes back or is answered. Then recovered and parked runs
 * are sent again, in this order, in a new session.
 */
// @hot-path
import { Frames } from './frames.js';
import type { NodeChannel } from './node-channel.js';
import type { Run } from './run.js';
import type { ShardRoute } from './shard-route.js';
import { trackingBits } from './tracking-mode.js';

/** Who uses the lane. */
export interface LaneUser {
  /** The session at the node is gone, with what lived in it: watched keys, subscriptions. */
  laneLost(lane: Lane): void;
  /** What the session was sent that no request asked for: RESP3, not to be kept. */
  pushed(lane: Lane, bytes: Buffer, start: number, length: number): void;
}

const nullArrayOfResp2 = Buffer.from('*-1\r\n');
const nullOfResp3 = Buffer.from('_\r\n');

export function nullArrayOf(dialect: 2 | 3): Buffer {
  return dialect === 3 ? nullOfResp3 : nullArrayOfResp2;
}

/** Answers a run of one request, which no node does. */
function answerHere(run: Run, reply: Buffer): void {
  run.answered++;
  run.owner.answered(run, 1, reply, 0, reply.length, 0);
  run.release();
}

export class Lane {
  readonly user: LaneUser;
  readonly route: ShardRoute;
  /** Any replica will do. */
  readonly isStale: boolean;
  channel: NodeChannel | null = null;
  /** Of its session at the channel's node; -1 when there is none. */
  number = -1;
  /** The node has been told which shard it is for. */
  isOpened = false;
  /** What is sent now would come back. */
  isDraining = false;
  /** Its session tells the client of changes: when it is lost, some may never be told. */
  isTracked = false;
  /** What was read along it counts, and was sent since the client was told that all keys may have changed. */
  mayBeKept = false;
  /** How often its shard said that all of them did: see `RoutedSession.flushesTold`. */
  flushes = 0;
  /** Its session's node waits with what it is asked, until the client has read. */
  isPaused = false;
  isClosed = false;
  #head: Run | null = null;
  #tail: Run | null = null;
  #recovered: Run[] = [];
  #parked: Run[] = [];

  constructor(user: LaneUser, route: ShardRoute, isStale: boolean) {
    this.user = user;
    this.route = route;
    this.isStale = isStale;
  }

  /** Where the next run is to be sent at once; null when it has to be parked. */
  ready(): NodeChannel | null {
    const { channel } = this;
    const isUsual = channel !== null && channel === this.route.channel && !this.isDraining;
    return isUsual && this.#parked.length === 0 ? channel : this.#attach();
  }

  get isIdle(): boolean {
    return this.#head === null;
  }

  get hasParked(): boolean {
    return this.#parked.length > 0;
  }

  /**
   * Its node is to wait, or to go on. Where nothing is on the way there is nothing to wait with; and what is to come back is
   * waited for by what came back before it.
   */
  pause(isPaused: boolean): void {
    if (this.isPaused === isPaused || (isPaused && (this.isIdle || this.isDraining))) return;
    const isTold = this.channel?.pauseLane(this, isPaused) ?? false;
    this.isPaused = isPaused && isTold;
  }

  // What is on the way

  sent(run: Run): void {
    run.nextInLane = null;
    if (run.tracking !== 0) this.isTracked = true;
    if ((run.tracking & trackingBits.reads) !== 0) this.mayBeKept = true;
    if (this.#tail === null) this.#head = run;
    else this.#tail.nextInLane = run;
    this.#tail = run;
  }

  /** The client was told that all keys may have changed: it keeps only what is still on the way. */
  forgotten(): void {
    this.mayBeKept = false;
    for (const { tracking } of this.onTheWay())
      if ((tracking & trackingBits.reads) !== 0) this.mayBeKept = true;
  }

  /** The first run on the way is over: answered as a whole, or come back. */
  over(run: Run): void {
    if (this.#head !== run) throw new Error('a run was answered out of order');
    this.#head = run.nextInLane;
    if (this.#head === null) this.#tail = null;
    run.nextInLane = null;
    if (this.isDraining && this.#head === null) this.#drained();
  }

  /** The first run on the way has left its last requests to another. */
  replaced(run: Run, rest: Run): void {
    if (this.#head !== run) throw new Error('a run was split out of order');
    rest.nextInLane = run.nextInLane;
    run.nextInLane = null;
    this.#head = rest;
    if (this.#tail === run) this.#tail = rest;
  }

  /** A run was not executed, or may be executed again: it is the next of those that are sent again. */
  recover(run: Run): void {
    this.isDraining = true;
    if (this.isClosed) return;
    if (run.isGuarded) {
      this.#breakWatch(run);
      return;
    }
    const frames = new Frames(256, 4);
    run.copyTo(frames);
    run.forgetAnswered();
    run.holdOwn(frames);
    this.#recovered.push(run);
  }

  /** Something was lost on the way, or came back. */
  drain(): void {
    this.isDraining = true;
    if (this.#head === null) this.#drained();
  }

  /** The runs on the way, oldest first. */
  *onTheWay(): Iterable<Run> {
    for (let run = this.#head; run !== null; ) {
      const next: Run | null = run.nextInLane;
      yield run;
      run = next;
    }
  }

  // What waits

  park(run: Run): void {
    this.#parked.push(run);
    this.route.park(this, run);
  }

  /** Sends what was parked, if there is somebody to send it to. */
  unpark(): void {
    if (this.isDraining || this.isClosed) return;
    const parked = this.#parked;
    this.#parked = [];
    const channel = parked.length === 0 ? null : this.#attach();
    if (channel === null) {
      this.#parked = parked;
      return;
    }
    for (const run of parked) channel.resend(run, this);
  }

  /** Those of the parked runs that have no deadline yet get one. */
  setDeadlines(deadlineMs: number): void {
    for (const run of this.#parked) if (run.deadlineMs === 0) run.deadlineMs = deadlineMs;
  }

  /** A command that may wait is to wait no longer, and was not executed: it is answered with `reply`. False when none is here. */
  giveUpLasting(reply: Buffer): boolean {
    for (const runs of [this.#recovered, this.#parked]) {
      const at = runs.findIndex((run) => run.isLasting);
      if (at < 0) continue;
      const [run] = runs.splice(at, 1);
      answerHere(run, reply);
      return true;
    }
    return false;
  }

  /** Gives up parked runs whose time is over; whether any is left. */
  expire(nowMs: number, message: string): boolean {
    while (this.#parked.length > 0 && this.#parked[0].deadlineMs <= nowMs) {
      const run = this.#parked.shift()!;
      while (!run.isComplete) {
        run.answered++;
        run.owner.failed(run, message);
      }
      run.release();
    }
    return this.#parked.length > 0;
  }

  /** The session is over. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#parked = [];
    this.#recovered = [];
    this.channel?.closeLane(this);
  }

  /** What was parked while the session at the node was about to end: its transactions may not run in another one. */
  #withoutGuarded(): Run[] {
    const guarded = this.#parked.filter((run) => run.isGuarded);
    if (guarded.length === 0) return this.#parked;
    const others = this.#parked.filter((run) => !run.isGuarded);
    for (const run of guarded) this.#breakWatch(run);
    return others;
  }

  /** The session is gone in which the transaction's keys were watched. */
  #breakWatch(run: Run): void {
    answerHere(run, nullArrayOf(run.dialect));
  }

  #drained(): void {
    this.isDraining = false;
    const isAgain = this.channel;
    this.channel?.closeLane(this);
    this.channel = null;
    if (this.isClosed) return;
    this.user.laneLost(this);
    this.#parked = this.#recovered.concat(this.#withoutGuarded());
    this.#recovered = [];
    if (this.#parked.length > 0) this.route.retry(this, isAgain);
  }

  /** Moves to where the shard is led, when nothing is on the way elsewhere. */
  #attach(): NodeChannel | null {
    if (this.isDraining || this.#parked.length > 0) return null;
    const { channel } = this;
    if (channel?.isLeaving && this.#head !== null) {
      this.isDraining = true;
      return null;
    }
    const isFitting = this.isStale && !channel?.isLeaving;
    if (channel !== null && (this.#head !== null || isFitting)) return channel;
    const target = this.isStale ? this.route.anyChannel() : this.route.channel;
    if (target === channel) return channel;
    if (channel !== null) {
      channel.closeLane(this);
      this.channel = null;
      this.user.laneLost(this);
    }
    target?.openLane(this);
    return target;
  }
}
