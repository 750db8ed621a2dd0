/**
 * Commands whose keys may be of several shards: each shard gets those that are its own, at once. Atomic within each
 * shard, not over all of them.
 */
import { type Reply, type ReplyValue, Request } from '@holdfast/common';
import type { Command } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { slotNotServed } from './errors.js';
import { frameLength } from './frames.js';
import { firstError, Gathering } from './gathering.js';
import type { Handler, Handlers } from './plans.js';
import type { RoutedSession } from './routed-session.js';
import type { ShardRoute } from './shard-route.js';
import { writeValue } from './write-value.js';

/** The keys of one shard: their places among all keys. */
interface Share {
  readonly route: ShardRoute;
  readonly places: number[];
}

/** Puts the shards' replies together. */
type Combine = (reply: Reply, shares: readonly Share[], values: readonly ReplyValue[], count: number) => void;

const sum: Combine = (reply, _shares, values) =>
  reply.integer(values.reduce<number>((n, v) => n + Number(v), 0));

const ok: Combine = (reply) => reply.ok();

const inOrder: Combine = (reply, shares, values, count) => {
  const items: ReplyValue[] = new Array(count).fill(null);
  for (const [i, { places }] of shares.entries()) {
    const found = values[i] as ReplyValue[];
    for (const [j, place] of places.entries()) items[place] = found[j];
  }
  writeValue(reply, items);
};

export class SplitCommands {
  readonly handlers: Handlers = {
    del: this.#handler(1, sum),
    unlink: this.#handler(1, sum),
    exists: this.#handler(1, sum),
    touch: this.#handler(1, sum),
    mget: this.#handler(1, inOrder),
    'kv.mget': this.#handler(1, inOrder),
    mset: this.#handler(2, ok),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  /** `stride`: a key, and what belongs to it. */
  #handler(stride: number, combine: Combine): Handler {
    return (session, command, request, reply) => {
      const coordinator = this.#coordinator;
      const route = coordinator.routing.of(session, command, request);
      if (route !== null) return coordinator.forwardTo(session, route, command, request, reply);
      if (coordinator.isNode) return coordinator.fail(session, reply, coordinator.routing.problem);
      // Arguments that don't come in groups: any shard says what is wrong.
      if ((request.count - 1) % stride !== 0) {
        return coordinator.forwardTo(session, coordinator.router.first, command, request, reply);
      }
      return this.#split(session, command, request, reply, stride, combine);
    };
  }

  #split(
    session: RoutedSession,
    command: Command,
    request: Request,
    reply: Reply,
    stride: number,
    combine: Combine,
  ): Outcome {
    const coordinator = this.#coordinator;
    const shares = this.#sharesOf(request, stride);
    if (shares === null) return coordinator.fail(session, reply, slotNotServed);
    const { forwarder } = coordinator;
    const parts = shares.map(({ places }) => partOf(request, places, stride));
    for (const part of parts) {
      const problem = forwarder.problemOf(part);
      if (problem !== null) return coordinator.fail(session, reply, problem);
    }
    const answer = coordinator.answerLater(session, frameLength(request));
    const count = (request.count - 1) / stride;
    const gathering = Gathering.ofValues((values, version) => {
      session.keyVersion = version;
      const error = firstError(values);
      if (error !== null) answer.held.error(error.message);
      else combine(answer.held, shares, values, count);
      session.replies.ready(answer);
    }, session.replies.counting(answer));
    for (const [i, { route }] of shares.entries()) {
      const lane = forwarder.lane(session, route, command);
      forwarder.ask(session, lane, command, parts[i], gathering.add());
    }
    gathering.sent();
    return forwarder.outcome(session, false);
  }

  /** Null when a key belongs to no shard. */
  #sharesOf(request: Request, stride: number): Share[] | null {
    const shares = new Map<ShardRoute, Share>();
    for (let i = 1; i < request.count; i += stride) {
      const route = this.#coordinator.routing.at(request, i);
      if (route === null) return null;
      let share = shares.get(route);
      if (share === undefined) shares.set(route, (share = { route, places: [] }));
      share.places.push((i - 1) / stride);
    }
    return [...shares.values()];
  }
}

/** What a shard is asked, over the bytes of the whole: a million arguments are no million objects. */
function partOf(request: Request, places: readonly number[], stride: number): Request {
  const part = new Request(1 + places.length * stride);
  part.bytes = request.bytes;
  part.count = 1 + places.length * stride;
  const { offsets } = part;
  offsets.set(request.offsets.subarray(0, 2));
  for (let i = 0, at = 2; i < places.length; i++) {
    const from = 2 + 2 * stride * places[i];
    for (let j = from; j < from + 2 * stride; j++) offsets[at++] = request.offsets[j];
  }
  return part;
}
