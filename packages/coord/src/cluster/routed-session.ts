/** A client of a gateway: its session, its lanes to the shards it used, and its replies in order. */
import type { Reply } from '@holdfast/common';
import { Session } from '@holdfast/engine';
import { Lane, type LaneUser, nullArrayOf } from './lane.js';
import { sessionOutputBytesMax } from './limits.js';
import { type Answer, ReplyQueue, waits } from './reply-queue.js';
import type { ShardRoute } from './shard-route.js';

/** Tells clients who keep values of changes. */
export interface KeyTeller {
  /** A node sent this along one of the session's lanes: RESP3, not to be kept. */
  pushed(session: RoutedSession, lane: Lane, bytes: Buffer, start: number, length: number): void;
  /** Its turn has come: see `ReplyQueue.notify`. */
  tell(session: RoutedSession, keys: readonly string[] | null): void;
  /** What a lane would have told is not told any more. */
  laneLost(session: RoutedSession, lane: Lane): void;
}

const unblockedError = Buffer.from('-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n');
const noReplica = Buffer.from(':0\r\n');
const noFiles = Buffer.from('*2\r\n:0\r\n:0\r\n');

export class RoutedSession extends Session implements LaneUser {
  readonly replies: ReplyQueue = new ReplyQueue(this);
  readonly #teller: KeyTeller;
  /** It is to be told that all keys may have changed. */
  owesFlush = false;
  /** The most flushes that one of its shards said: a FLUSHALL is said by all of them, and told once. */
  flushesTold = 0;
  /** Where nodes were told which prefixes it tracks, or are being told. */
  readonly broadcastLanes = new Set<Lane>();
  /** The shard that its watched keys and the queued commands of its transaction belong to; null for none so far. */
  boundTo: ShardRoute | null = null;
  /** Where it watches keys. */
  #watchLane: Lane | null = null;
  /** The place of what the gateway's own server answers later. */
  #owed: Answer | null = null;
  /** Where its command waits: for keys at one shard, for replicas at all. */
  readonly #blockedAt: Lane[] = [];
  /** Who ended that, in their order, until it is known whether it had been over before. */
  #unblocking: ((wasUnblocked: boolean) => void)[] = [];
  /** As the first of them wants it. */
  #unblocksWithError = false;
  /** Some of its lanes are paused. */
  #isPaused = false;
  /** By the indices of their routes. */
  #lanes: (Lane | undefined)[] = [];
  #staleLanes: (Lane | undefined)[] = [];

  constructor(teller: KeyTeller, ...args: ConstructorParameters<typeof Session>) {
    super(...args);
    this.#teller = teller;
  }

  /** To the leader of a shard. */
  lane(route: ShardRoute): Lane {
    return (this.#lanes[route.index] ??= this.#newLane(route, false));
  }

  /** To some replica of a shard. */
  staleLane(route: ShardRoute): Lane {
    return (this.#staleLanes[route.index] ??= this.#newLane(route, true));
  }

  #newLane(route: ShardRoute, isStale: boolean): Lane {
    const lane = new Lane(this, route, isStale);
    lane.flushes = this.flushesTold;
    return lane;
  }

  /** Those along which something was sent. */
  *openLanes(): Iterable<Lane> {
    for (const lane of this.#lanes) if (lane !== undefined) yield lane;
    for (const lane of this.#staleLanes) if (lane !== undefined) yield lane;
  }

  /** From now on keys are watched at this lane's node. */
  watchAt(lane: Lane): void {
    this.#watchLane = lane;
  }

  /** Watches nothing any more. Returns where it did. */
  forgetWatched(): Lane | null {
    const lane = this.#watchLane;
    this.#watchLane = null;
    this.watchBroken = false;
    this.boundTo = null;
    return lane;
  }

  /** Its command waits at nodes. */
  get isWaiting(): boolean {
    return this.#blockedAt.length > 0;
  }

  /**
   * The command that it waits for is to wait no longer. `known` hears whether that was what ended it: its shard may have
   * answered it already. False, and nothing is done, when it does not wait at a node.
   */
  unblock(withError: boolean, known: (wasUnblocked: boolean) => void): boolean {
    let isEnding = false;
    if (this.#unblocking.length === 0) this.#unblocksWithError = withError;
    this.#unblocking.push(known);
    for (const lane of this.#blockedAt.slice()) {
      // Where nobody leads it waits here.
      const isDone = lane.giveUpLasting(this.#endOfWait(withError)) || lane.channel?.unblock(lane, withError);
      if (isDone) isEnding = true;
    }
    if (!isEnding) this.#unblocking = this.#unblocking.filter((each) => each !== known);
    return isEnding;
  }

  /** Its node did not end the wait, and will not any more. */
  #endWaitHere(lane: Lane): void {
    if (!lane.giveUpLasting(this.#endOfWait(this.#unblocksWithError))) this.waitEnded(false);
  }

  /** What a node would say of a wait that is ended, as of now. */
  #endOfWait(withError: boolean): Buffer {
    if (withError) return unblockedError;
    const name = this.lastCommand?.name;
    return name === 'WAIT' ? noReplica : name === 'WAITAOF' ? noFiles : nullArrayOf(this.dialect);
  }

  /** Its wait is over. Of several who ended it the first one did. */
  waitEnded(wasUnblocked: boolean): void {
    const unblocking = this.#unblocking;
    if (unblocking.length === 0) return;
    this.#unblocking = [];
    unblocking.forEach((known, i) => {
      known(wasUnblocked && i === 0);
    });
  }

  /** What its user may do, for nodes to hold it to: empty for anything. See `User.permissions`. */
  get permissions(): string {
    return this.isUnlimited ? '' : this.account!.permissions;
  }

  /** The gateway's own server takes its time for this one: the next request waits. */
  owes(answer: Answer): void {
    this.#owed = answer;
    this.replies.setOwn(answer);
  }

  get lateReply(): Reply {
    return this.#owed?.held ?? this.sink.reply;
  }

  answeredLate(): void {
    const answer = this.#owed;
    this.#owed = null;
    if (answer !== null) this.replies.ready(answer);
  }

  /** Its command waits at this lane's node, maybe at others too. */
  waitsAt(lane: Lane): void {
    this.#blockedAt.push(lane);
  }

  /** Its next request waits until everything before is answered. */
  awaitReplies(): void {
    this.replies.waitsFor = waits.all;
    this.isBlocked = true;
    this.isOnItsWay = true;
  }

  /** It goes on with its next request. */
  release(): void {
    this.#blockedAt.length = 0;
    // A wait for replicas: that says nothing of how it ended.
    this.waitEnded(true);
    this.isBlocked = false;
    this.isOnItsWay = false;
    this.sink.resume();
  }

  /** Something was written: if its client does not keep up with that, nodes wait with what is on the way. */
  holdBack(): void {
    const { sink } = this;
    if (sink.outputBytes <= sessionOutputBytesMax || !sink.saysWhenRead) return;
    this.awaitsOutput = true;
    for (const lane of this.openLanes()) this.pause(lane);
  }

  /** Until the client has read, or a reply that waits for its turn has had it. */
  pause(lane: Lane): void {
    this.#isPaused = true;
    lane.pause(true);
  }

  goOn(): void {
    if (!this.#isPaused || this.awaitsOutput) return;
    this.#isPaused = false;
    for (const lane of this.openLanes()) lane.pause(false);
  }

  override outputLeft(): void {
    super.outputLeft();
    this.goOn();
  }

  /** The client is gone. */
  end(): void {
    this.waitEnded(false);
    this.replies.close();
    for (const lane of this.#lanes) lane?.close();
    for (const lane of this.#staleLanes) lane?.close();
    this.#lanes = [];
    this.#staleLanes = [];
  }

  // LaneUser

  laneLost(lane: Lane): void {
    if (lane === this.#watchLane) this.watchBroken = true;
    if (this.#unblocking.length > 0 && this.#blockedAt.includes(lane)) this.#endWaitHere(lane);
    if (lane.isTracked) this.#teller.laneLost(this, lane);
  }

  pushed(lane: Lane, bytes: Buffer, start: number, length: number): void {
    this.#teller.pushed(this, lane, bytes, start, length);
  }

  // For its replies

  /** Keys changed, or all with null. */
  tell(keys: readonly string[] | null): void {
    this.#teller.tell(this, keys);
  }
}
