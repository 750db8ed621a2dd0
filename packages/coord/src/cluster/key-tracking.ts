/**
 * CLIENT TRACKING before a cluster. What a client reads is remembered where it is read: in the client's session at the node,
 * by the run that reads. What changes there comes back along the same lane, behind the reply that it makes outdated.
 *
 *     client -- GET a --> run, tracking --> session at the leader: remembers a, then replies
 *     client <------------ $1 1 <-----------'
 *     client <-- invalidate a <------------ a was changed, by anybody, and that is committed
 *
 *     a lane is lost, its shard has another leader --> invalidate all: what changes from now on is told nobody there
 *
 * Runs say what holds for them, so those that are sent again elsewhere are tracked there. With BCAST every shard is told the
 * prefixes, and again when it has another leader: behind that the client is told that all keys may have changed, as nobody
 * listened in between.
 *
 * Of its own the gateway keeps what its clients asked for (`Tracking` of its own server), and nothing about keys.
 */
import { type Reply, type ReplyValue, Request, ValueReply } from '@holdfast/common';
import type { ClientTracking } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { Confirmation, Confirmations } from './confirmations.js';
import type { Lane } from './lane.js';
import { retryPauseMs } from './limits.js';
import type { Handlers } from './plans.js';
import type { KeyTeller, RoutedSession } from './routed-session.js';
import type { Run, RunOwner } from './run.js';
import type { ShardRoute } from './shard-route.js';
import { trackingModeOf } from './tracking-mode.js';
import { writeValue } from './write-value.js';

/** Says nothing but what its run does about tracking. */
const ping = Request.of('PING');
const plus = 43;

export class KeyTracking implements KeyTeller {
  readonly handlers: Handlers = {
    'client|tracking': (session, _command, request, reply) => this.#track(session, request, reply),
  };
  readonly #coordinator: ClusterCoordinator;
  /** Those that track. */
  readonly #sessions = new Set<RoutedSession>();
  #isFollowing = false;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
    coordinator.router.onChange(() => this.#followAfter(0));
  }

  /** RESET: the session tracks nothing any more. */
  reset(session: RoutedSession): void {
    if (session.tracking === null) return;
    this.#coordinator.kv.host.untrack(session);
    this.#ended(session);
  }

  /** The session ends. */
  forget(session: RoutedSession): void {
    this.#sessions.delete(session);
  }

  // KeyTeller

  pushed(session: RoutedSession, lane: Lane, bytes: Buffer, start: number, length: number): void {
    if (session.tracking === null) return;
    const reply = new ValueReply(3);
    reply.raw(bytes, start, length);
    for (let value = reply.take(); value !== undefined; value = reply.take()) {
      const keys = invalidated(value);
      if (keys === null) this.#flushed(session, lane);
      else if (keys !== undefined) session.replies.notify(keys.map((key) => key.toString('latin1')));
    }
  }

  tell(session: RoutedSession, keys: readonly string[] | null): void {
    if (session.tracking !== null) this.#coordinator.front.tracking.tell(session, keys);
  }

  laneLost(session: RoutedSession, lane: Lane): void {
    lane.isTracked = false;
    lane.flushes = session.flushesTold;
    this.#flush(session);
    if (session.broadcastLanes.delete(lane)) this.#followAfter(retryPauseMs.first);
  }

  // The command

  #track(session: RoutedSession, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    const before = session.tracking;
    const said = coordinator.saidHere(session, request);
    const { tracking } = session;
    if (tracking === null && before !== null) this.#ended(session);
    if (tracking !== null && tracking !== before) {
      this.#sessions.add(session);
      if (tracking.isBroadcast) return this.#broadcast(session, tracking, said, before === null);
      if (before !== null) this.#sayMode(session);
    }
    return coordinator.answer(session, reply, (target) => writeValue(target, said));
  }

  /** Is answered once every shard that has a leader tells of changes. */
  #broadcast(session: RoutedSession, tracking: ClientTracking, said: ReplyValue, isFirst: boolean): Outcome {
    const { forwarder, routing } = this.#coordinator;
    const answer = this.#coordinator.answerLater(session);
    writeValue(answer.held, said);
    const all = new Confirmations();
    const confirmation = new Confirmation(all);
    for (const route of routing.shards()) this.#broadcastAt(session, tracking, route, all, isFirst);
    all.waiting.push(() => session.replies.ready(answer));
    confirmation.failed();
    return forwarder.outcome(session, false);
  }

  /** The session tracks nothing any more. */
  #ended(session: RoutedSession): void {
    this.#sessions.delete(session);
    session.broadcastLanes.clear();
    this.#sayMode(session);
    for (const lane of session.openLanes()) lane.isTracked = false;
  }

  /** Nodes that tell the client of changes hear now what holds for it, not with its next request. */
  #sayMode(session: RoutedSession): void {
    for (const lane of session.openLanes()) {
      if (!lane.isTracked) continue;
      const mode = trackingModeOf(session.tracking, lane.isStale);
      this.#coordinator.forwarder.tell(lane, ping, nobody, mode);
    }
  }

  // Shards

  #followAfter(delayMs: number): void {
    if (this.#isFollowing || this.#sessions.size === 0) return;
    this.#isFollowing = true;
    this.#coordinator.router.after(delayMs, () => {
      this.#isFollowing = false;
      for (const session of this.#sessions) this.#follow(session);
    });
  }

  /** Shards have other leaders: what was tracked at those before is lost, and prefixes are tracked at the new ones. */
  #follow(session: RoutedSession): void {
    for (const lane of session.openLanes()) {
      const { channel, isStale, isTracked, route } = lane;
      if (!isTracked || isStale || channel === null || channel === route.channel) continue;
      // Something may be on its way there for long: the client is told now, and once more when it has come back.
      this.#flush(session);
      lane.drain();
    }
    const { tracking } = session;
    if (tracking === null || !tracking.isBroadcast) return;
    for (const route of this.#coordinator.routing.shards()) {
      if (session.broadcastLanes.has(session.lane(route))) continue;
      this.#broadcastAt(session, tracking, route, new Confirmations(), false);
    }
  }

  /** Where nobody leads nothing changes: there it is said when somebody does. */
  #broadcastAt(
    session: RoutedSession,
    tracking: ClientTracking,
    route: ShardRoute,
    all: Confirmations,
    isFirst: boolean,
  ): void {
    if (route.channel === null) return;
    const lane = session.lane(route);
    if (lane.ready() !== route.channel) {
      // Something is on its way elsewhere. When that is over the lane is lost, and it goes on from there.
      session.broadcastLanes.add(lane);
      lane.isTracked = true;
      lane.drain();
      return;
    }
    session.broadcastLanes.add(lane);
    const { forwarder, router } = this.#coordinator;
    const confirmation = new Confirmation(all);
    const said = new Said((isDone) => {
      confirmation.failed();
      if (isDone && isFirst) return;
      this.#flush(session);
      if (isDone || !session.broadcastLanes.delete(lane)) return;
      router.after(retryPauseMs.max, () => this.#followAfter(0));
    });
    // What held before, in the same session perhaps, must not be in the way of what holds now.
    forwarder.tell(lane, ping, nobody, 0);
    forwarder.tell(lane, broadcastRequest(tracking), said, trackingModeOf(tracking, false));
  }

  // Clients

  /**
   * A shard lost all of its keys. Others say the same of one FLUSHALL: that is told again only where something was read along
   * this lane meanwhile. With prefixes clients keep what anybody has read.
   */
  #flushed(session: RoutedSession, lane: Lane): void {
    lane.flushes++;
    const isToldAlready = lane.flushes <= session.flushesTold;
    session.flushesTold = Math.max(session.flushesTold, lane.flushes);
    if (!isToldAlready || lane.mayBeKept || session.tracking!.isBroadcast) this.#flush(session);
  }

  /** All keys may have changed: once for all that is lost at the same time, of all shards. */
  #flush(session: RoutedSession): void {
    if (session.owesFlush) return;
    session.owesFlush = true;
    this.#coordinator.router.later(() => {
      session.owesFlush = false;
      session.replies.notify(null);
      for (const lane of session.openLanes()) lane.forgotten();
    });
  }
}

/** The keys that a message says have changed, null for all; undefined for another message, or none that makes sense. */
function invalidated(message: ReplyValue): readonly Buffer[] | null | undefined {
  if (!Array.isArray(message) || String(message[0]) !== 'invalidate') return undefined;
  const keys = message[1];
  if (keys === null) return null;
  return Array.isArray(keys) && keys.every(Buffer.isBuffer) ? keys : undefined;
}

/** Whether a node has done what it was told. */
class Said implements RunOwner {
  readonly #onEnd: (isDone: boolean) => void;

  constructor(onEnd: (isDone: boolean) => void) {
    this.#onEnd = onEnd;
  }

  answered(_run: Run, _count: number, bytes: Buffer, start: number): void {
    this.#onEnd(bytes[start] === plus);
  }

  failed(): void {
    this.#onEnd(false);
  }

  split(): void {}
}

const nobody = new Said(() => {});

function broadcastRequest({ noLoop, prefixes }: ClientTracking): Request {
  const options = noLoop ? ['BCAST', 'NOLOOP'] : ['BCAST'];
  const named = prefixes.flatMap((prefix) => ['PREFIX', Buffer.from(prefix, 'latin1')]);
  return Request.of('CLIENT', 'TRACKING', 'ON', ...options, ...named);
}
