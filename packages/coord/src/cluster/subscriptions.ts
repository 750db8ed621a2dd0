/**
 * Who of a gateway's clients listens to what, and the gateway's own subscriptions at the shards on their behalf: one
 * for each name, however many clients there are.
 *
 *     SUBSCRIBE news   new here? -> subscribed at every shard -> confirmed -> the client is told
 *     a message        from whichever shard it was published at -> to the clients
 *
 * Scripts and transactions publish where they run, and keyspace events come from where the key is: so channels and
 * patterns are subscribed at every shard, shard channels at that of their slot. While a shard has no leader nothing
 * is published there, and nobody waits for it; it is subscribed again when it has one. Messages that are published
 * in between are lost, as they are when a client of Redis connects again.
 */
import { hashSlotOf, type Reply, Request, ValueReply } from '@holdfast/common';
import type { Command, Session, SubscriptionKind } from '@holdfast/engine';
import { node } from '@holdfast/rpc';
import { type Outcome, outcomes } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { Confirmation, Confirmations } from './confirmations.js';
import { Lane, type LaneUser } from './lane.js';
import type { NodeChannel } from './node-channel.js';
import type { Handler, Handlers } from './plans.js';
import type { Answer } from './reply-queue.js';
import type { RoutedSession } from './routed-session.js';
import type { ShardRoute } from './shard-route.js';

const words: Readonly<Record<SubscriptionKind, string>> = {
  channel: 'SUBSCRIBE',
  pattern: 'PSUBSCRIBE',
  shard: 'SSUBSCRIBE',
};
const endings: Readonly<Record<SubscriptionKind, string>> = {
  channel: 'UNSUBSCRIBE',
  pattern: 'PUNSUBSCRIBE',
  shard: 'SUNSUBSCRIBE',
};
const audienceKinds: Readonly<Record<SubscriptionKind, node.Audience_Kind>> = {
  channel: node.Audience_Kind.KIND_CHANNEL,
  pattern: node.Audience_Kind.KIND_PATTERN,
  shard: node.Audience_Kind.KIND_SHARD,
};
const kindOfMessage: Readonly<Record<string, SubscriptionKind>> = {
  message: 'channel',
  pmessage: 'pattern',
  smessage: 'shard',
};

/** A name that somebody here listens to. */
class Subscription extends Confirmations {
  readonly kind: SubscriptionKind;
  readonly name: string;
  readonly clients = new Set<Session>();

  constructor(kind: SubscriptionKind, name: string) {
    super();
    this.kind = kind;
    this.name = name;
  }
}

/** Comes back behind the messages that were on their way. */
const ping = Request.of('PING');

export class Subscriptions implements LaneUser {
  readonly handlers: Handlers = {
    subscribe: this.#subscribing('channel'),
    psubscribe: this.#subscribing('pattern'),
    ssubscribe: this.#subscribing('shard'),
    unsubscribe: this.#unsubscribing('channel'),
    punsubscribe: this.#unsubscribing('pattern'),
    sunsubscribe: this.#unsubscribing('shard'),
    quit: (session, _command, request, reply) => this.#quit(session, request, reply),
  };
  readonly #coordinator: ClusterCoordinator;
  readonly #subscriptions = new Map<string, Subscription>();
  /** By client: also of one that waits to be told so, and of one that was ended and knows it no more. */
  readonly #joined = new Map<Session, Set<Subscription>>();
  readonly #lanes = new Map<ShardRoute, Lane>();
  /** Where each shard's subscriptions are. */
  readonly #subscribedAt = new Map<ShardRoute, NodeChannel>();

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
    coordinator.router.onChange(() => {
      if (this.#subscriptions.size > 0) this.#follow();
    });
  }

  /** The session ends, or subscribes to nothing any more. */
  forget(session: RoutedSession): void {
    for (const { kind, name } of this.#joined.get(session) ?? []) this.#leave(session, kind, name);
  }

  /** RESET: it subscribes to nothing any more, from its turn on. */
  reset(session: RoutedSession, request: Request, reply: Reply): Outcome {
    if (!session.isSubscriber) return this.#coordinator.own(session, request, reply);
    return this.#leaveInTurn(session, request, reply, () => this.forget(session));
  }

  // LaneUser

  laneLost(lane: Lane): void {
    this.#subscribedAt.delete(lane.route);
    this.#coordinator.router.later(() => {
      if (this.#subscriptions.size > 0) this.#follow();
    });
  }

  pushed(_lane: Lane, bytes: Buffer, start: number, length: number): void {
    const reply = new ValueReply(3);
    reply.raw(bytes, start, length);
    for (let value = reply.take(); value !== undefined; value = reply.take()) {
      const items = value as Buffer[];
      const kind = kindOfMessage[String(items[0])];
      if (kind === undefined) continue;
      const payload = items[items.length - 1];
      const channel = items[items.length - 2].toString('latin1');
      this.#coordinator.front.deliver(kind, items[1].toString('latin1'), channel, payload);
    }
  }

  // Commands

  #subscribing(kind: SubscriptionKind): Handler {
    return (session, command, request, reply) => {
      const { routing } = this.#coordinator;
      if (kind === 'shard' && routing.of(session, command, request) === null) {
        return this.#coordinator.fail(session, reply, routing.problem);
      }
      return this.#subscribe(session, kind, request, reply);
    };
  }

  /** The client is subscribed, and told so, once the shards have confirmed; its next request waits for that. */
  #subscribe(session: RoutedSession, kind: SubscriptionKind, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    const unconfirmed: Subscription[] = [];
    for (const name of argumentsOf(request)) {
      const subscription = this.#join(session, kind, name);
      if (subscription.missing > 0) unconfirmed.push(subscription);
    }
    const isFirst = session.replies.isEmpty;
    if (unconfirmed.length === 0 && isFirst) return coordinator.own(session, request, reply);
    let missing = unconfirmed.length + (isFirst ? 0 : 1);
    const confirmed = (): void => {
      if (--missing === 0) session.replies.ready(answer);
    };
    const answer = this.#answerOnceHeard(session, request, confirmed);
    for (const { waiting } of unconfirmed) waiting.push(confirmed);
    return outcomes.pending;
  }

  #unsubscribing(kind: SubscriptionKind): Handler {
    return (session: RoutedSession, _command: Command, request: Request, reply: Reply) => {
      const asked = request.count > 1 ? argumentsOf(request) : null;
      return this.#leaveInTurn(session, request, reply, () => {
        for (const name of asked ?? [...namesOf(session, kind)]) this.#leave(session, kind, name);
      });
    };
  }

  #leaveInTurn(session: RoutedSession, request: Request, reply: Reply, leave: () => void): Outcome {
    if (session.replies.isEmpty) {
      leave();
      return this.#coordinator.own(session, request, reply);
    }
    const answer = this.#answerOnceHeard(session, request, () => {
      leave();
      session.replies.ready(answer);
    });
    return outcomes.pending;
  }

  /**
   * A change of what the client listens to is made in its turn: it hears what its requests before published, or does
   * not. `heard` is called when they are answered and that has arrived; the client's next request waits for the answer.
   */
  #answerOnceHeard(session: RoutedSession, request: Request, heard: () => void): Answer {
    const coordinator = this.#coordinator;
    const answer = coordinator.answerLater(session);
    coordinator.runHereLater(session, request.toOwned(), answer);
    answer.whenFirst = () => {
      const echoes = new Confirmations();
      echoes.waiting.push(heard);
      for (const route of this.#subscribedAt.keys())
        coordinator.forwarder.tell(this.#laneTo(route), ping, new Confirmation(echoes));
      if (echoes.missing === 0) heard();
    };
    session.awaitReplies();
    return answer;
  }

  /** What the connection published before comes before its end. */
  #quit(session: RoutedSession, request: Request, reply: Reply): Outcome {
    if (!session.isSubscriber || session.replies.isEmpty)
      return this.#coordinator.own(session, request, reply);
    const answer = this.#answerOnceHeard(session, request, () => session.replies.ready(answer));
    answer.isLast = true;
    return outcomes.pending;
  }

  // Names

  #join(session: RoutedSession, kind: SubscriptionKind, name: string): Subscription {
    const key = `${kind} ${name}`;
    const known = this.#subscriptions.get(key);
    if (known !== undefined) {
      const isNew = !known.clients.has(session);
      this.#add(session, known);
      if (isNew) this.#tellAudience(known);
      return known;
    }
    this.#follow();
    const subscription = new Subscription(kind, name);
    this.#add(session, subscription);
    this.#subscriptions.set(key, subscription);
    // Where nobody leads nothing is published.
    for (const route of this.#routesOf(subscription)) {
      if (this.#subscribedAt.has(route)) this.#ask(route, words[kind], subscription);
    }
    return subscription;
  }

  #add(session: Session, subscription: Subscription): void {
    subscription.clients.add(session);
    const joined = this.#joined.get(session);
    if (joined === undefined) this.#joined.set(session, new Set([subscription]));
    else joined.add(subscription);
  }

  #leave(session: Session, kind: SubscriptionKind, name: string): void {
    const key = `${kind} ${name}`;
    const subscription = this.#subscriptions.get(key);
    if (subscription === undefined || !subscription.clients.delete(session)) return;
    const joined = this.#joined.get(session)!;
    joined.delete(subscription);
    if (joined.size === 0) this.#joined.delete(session);
    if (subscription.clients.size > 0) {
      this.#tellAudience(subscription);
      return;
    }
    this.#subscriptions.delete(key);
    for (const route of this.#routesOf(subscription)) {
      if (this.#subscribedAt.has(route)) this.#ask(route, endings[kind], subscription);
    }
  }

  #routesOf({ kind, name }: Subscription): readonly ShardRoute[] {
    const { router } = this.#coordinator;
    if (kind !== 'shard') return [...router.routes];
    const bytes = Buffer.from(name, 'latin1');
    const route = router.slots[hashSlotOf(bytes, 0, bytes.length)];
    return route === null ? [] : [route];
  }

  #tellAudience(subscription: Subscription): void {
    for (const route of this.#routesOf(subscription)) {
      const lane = this.#lanes.get(route);
      if (lane !== undefined) tellAudience(lane, subscription);
    }
  }

  // Shards

  /** Shards have other leaders, or some where there was none: what belongs there is subscribed there. */
  #follow(): void {
    const { router } = this.#coordinator;
    const routes = new Set(router.routes);
    for (const [route, lane] of this.#lanes) {
      if (routes.has(route)) continue;
      this.#lanes.delete(route);
      this.#subscribedAt.delete(route);
      lane.close();
    }
    for (const route of routes) {
      if (route.channel === null || this.#subscribedAt.get(route) === route.channel) continue;
      this.#subscribeAt(route, route.channel);
    }
  }

  #subscribeAt(route: ShardRoute, channel: NodeChannel): void {
    const lane = this.#laneTo(route);
    // Moves the lane; what it says of its loss comes before the shard counts as subscribed.
    if (lane.ready() !== channel) return;
    this.#subscribedAt.set(route, channel);
    for (const subscription of this.#subscriptions.values()) {
      const { kind } = subscription;
      if (kind === 'shard' && !this.#routesOf(subscription).includes(route)) continue;
      this.#ask(route, words[kind], subscription);
    }
  }

  #laneTo(route: ShardRoute): Lane {
    let lane = this.#lanes.get(route);
    if (lane === undefined) this.#lanes.set(route, (lane = new Lane(this, route, false)));
    return lane;
  }

  #ask(route: ShardRoute, word: string, subscription: Subscription): void {
    const lane = this.#laneTo(route);
    const request = Request.of(word, Buffer.from(subscription.name, 'latin1'));
    // Parked, or sent again in another session, it left the audience behind.
    const confirmation = new Confirmation(subscription, () => {
      if (lane.number !== toldIn && subscription.clients.size > 0) tellAudience(lane, subscription);
    });
    this.#coordinator.forwarder.tell(lane, request, confirmation);
    const toldIn = lane.number;
    tellAudience(lane, subscription);
  }
}

/** How many clients the lane's session listens for. */
function tellAudience(lane: Lane, { clients, kind, name }: Subscription): void {
  lane.channel?.setAudience(lane, audienceKinds[kind], Buffer.from(name, 'latin1'), clients.size);
}

function namesOf(session: Session, kind: SubscriptionKind): ReadonlySet<string> {
  if (kind === 'channel') return session.channels;
  return kind === 'pattern' ? session.patterns : session.shardChannels;
}

function argumentsOf(request: Request): string[] {
  return Array.from({ length: request.count - 1 }, (_, i) => request.byteString(i + 1));
}
