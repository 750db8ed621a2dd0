/** Commands that concern all shards: each is asked, and their replies become one. */
import { ErrorReply, type Reply, type ReplyValue, type Request, randomBelow } from '@holdfast/common';
import type { Command } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { leadsNothing, noReplica, slotNotServed } from './errors.js';
import { frameLength } from './frames.js';
import { firstError, Gathering, type RawArray } from './gathering.js';
import { askNodes, missesShard, nodesError, valuesOf } from './node-answers.js';
import type { Handler, Handlers } from './plans.js';
import type { Answer } from './reply-queue.js';
import type { RoutedSession } from './routed-session.js';
import { writeValue } from './write-value.js';

/** Puts the shards' replies together; none of them is an error. */
export type Combine = (reply: Reply, values: readonly ReplyValue[], request: Request) => void;

const sum: Combine = (reply, values) => reply.integer(values.reduce<number>((n, v) => n + Number(v), 0));

const least: Combine = (reply, values) => reply.integer(Math.min(...values.map(Number)));

/** All say the same. */
const first: Combine = (reply, values) => writeValue(reply, values[0]);

const leastOfEach: Combine = (reply, values) => {
  const lists = values as number[][];
  writeValue(
    reply,
    lists[0].map((_, i) => Math.min(...lists.map((list) => list[i]))),
  );
};

/** Names once each, of those that several shards know. */
const distinct: Combine = (reply, values) => {
  const names = new Map<string, Buffer>();
  for (const name of values.flat() as Buffer[]) names.set(name.toString('latin1'), name);
  writeValue(reply, [...names.values()]);
};

/** Names and counts in turn, as asked for: of those that count anybody. */
const greatestOfEach: Combine = (reply, values) => {
  const lists = values as ReplyValue[][];
  const merge = (item: ReplyValue, i: number): ReplyValue =>
    i % 2 === 0 ? item : Math.max(...lists.map((list) => Number(list[i])));
  writeValue(reply, lists[0].map(merge));
};

/** Newest first, as many as were asked for. Shards count alike: what is told of each is an id that no other has. */
const newest: Combine = (reply, values, request) => {
  const entries = (values as ReplyValue[][][]).flatMap((ofShard, shard) =>
    ofShard.map(([id, ...entry]): ReplyValue[] => [Number(id) * values.length + shard, ...entry]),
  );
  entries.sort((a, b) => Number(b[1]) - Number(a[1]));
  const asked = request.count > 2 ? request.integer(2) : 10;
  writeValue(reply, asked < 0 ? entries : entries.slice(0, asked));
};

export class GatheredCommands {
  readonly handlers: Handlers = {
    dbsize: this.#all(sum),
    keys: this.#joined(),
    randomkey: this.#all((reply, values) => this.#draw(reply, values)),
    flushall: this.#all(first),
    flushdb: this.#all(first),
    swapdb: this.#all(first),
    wait: this.#all(least),
    waitaof: this.#all(leastOfEach),
    save: this.#nodes(first),
    bgsave: this.#nodes(first),
    bgrewriteaof: this.#nodes(first),
    lastsave: this.#nodes(least),
    'script|load': this.#all(first),
    'script|exists': this.#all(leastOfEach),
    'script|flush': this.#all(first),
    'script|kill': this.#any(),
    'function|load': this.#all(first),
    'function|delete': this.#all(first),
    'function|flush': this.#all(first),
    'function|restore': this.#all(first),
    'function|kill': this.#any(),
    'function|list': this.#one(),
    'function|dump': this.#one(),
    'function|stats': this.#one(),
    'slowlog|get': this.#all(newest),
    'slowlog|len': this.#all(sum),
    'slowlog|reset': this.#all(first),
    publish: this.#ofChannel(),
    'pubsub|channels': this.#listeners(this.#one()),
    'pubsub|numpat': this.#listeners(this.#one()),
    'pubsub|numsub': this.#listeners(this.#one()),
    'pubsub|shardchannels': this.#listeners(this.#all(distinct)),
    'pubsub|shardnumsub': this.#listeners(this.#all(greatestOfEach)),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  #all(combine: Combine): Handler {
    return (session, command, request, reply) => {
      const { isNode, router } = this.#coordinator;
      if (router.shardCount === 1 && !isNode) {
        return this.#coordinator.forwardTo(session, router.first, command, request, reply);
      }
      // By then the connection has other requests in its place.
      const asked = request.toOwned();
      return gather(this.#coordinator, session, command, request, reply, (values, target) => {
        const error = firstError(values);
        if (error !== null) target.error(error.message);
        else combine(target, values, asked);
      });
    };
  }

  /** Arrays become one, whose elements are passed on as they came. */
  #joined(): Handler {
    return (session, command, request, reply) => {
      const coordinator = this.#coordinator;
      return askAll(coordinator, session, command, request, reply, (answer) =>
        Gathering.ofArrays((values) => {
          const error = firstError(values);
          if (error !== null) answer.held.error(error.message);
          else join(answer.held, values as readonly RawArray[]);
          session.replies.ready(answer);
        }, session.replies.counting(answer)),
      );
    };
  }

  /** All are asked, and one of them can do it. */
  #any(): Handler {
    return (session, command, request, reply) =>
      gather(this.#coordinator, session, command, request, reply, (values, target) => {
        writeValue(target, values.find((value) => !(value instanceof ErrorReply)) ?? values[0]);
      });
  }

  /** Every node is asked, for all that it has, whether it leads or follows. */
  #nodes(combine: Combine): Handler {
    return (session, command, request, reply) => {
      if (missesShard(this.#coordinator)) return this.#coordinator.fail(session, reply, noReplica);
      const asked = request.toOwned();
      return askNodes(this.#coordinator, session, command, request, reply, (answers, target) => {
        const error = nodesError(answers);
        if (error !== null) target.error(error.message);
        else combine(target, valuesOf(answers), asked);
      });
    };
  }

  /** All know the same: the first one is asked. */
  #one(): Handler {
    return (session, command, request, reply) => {
      const { router } = this.#coordinator;
      return this.#coordinator.forwardTo(session, router.first, command, request, reply);
    };
  }

  /** At a node about its own clients: those of Redis Cluster ask all nodes, and add up what they say. */
  #listeners(ofAll: Handler): Handler {
    return (session, command, request, reply) => {
      const coordinator = this.#coordinator;
      if (coordinator.isNode) return coordinator.own(session, request, reply);
      return ofAll(session, command, request, reply);
    };
  }

  /** Everybody listens at every shard: which one publishes is a matter of balance, and of order in a channel. */
  #ofChannel(): Handler {
    return (session, command, request, reply) => {
      const route = this.#coordinator.routing.at(request, 1);
      return this.#coordinator.forwardTo(session, route, command, request, reply);
    };
  }

  #draw(reply: Reply, values: readonly ReplyValue[]): void {
    const found = values.filter((value) => value !== null);
    const { random } = this.#coordinator.kv.env;
    writeValue(reply, found.length === 0 ? null : found[randomBelow(random, found.length)]);
  }
}

function join(reply: Reply, arrays: readonly RawArray[]): void {
  reply.array(arrays.reduce((sum, { count }) => sum + count, 0));
  for (const { elements } of arrays) if (elements.length > 0) reply.raw(elements, 0, elements.length);
}

/** Asks every shard, or at a node those that it leads; `finish` writes the answer in its turn. */
export function gather(
  coordinator: ClusterCoordinator,
  session: RoutedSession,
  command: Command,
  request: Request,
  reply: Reply,
  finish: (values: readonly ReplyValue[], reply: Reply) => void,
): Outcome {
  return askAll(coordinator, session, command, request, reply, (answer) =>
    Gathering.ofValues((values) => {
      finish(values, answer.held);
      session.replies.ready(answer);
    }, session.replies.counting(answer)),
  );
}

/** `gatheringFor`: what puts the replies together, and says when the answer is ready. */
function askAll<V>(
  coordinator: ClusterCoordinator,
  session: RoutedSession,
  command: Command,
  request: Request,
  reply: Reply,
  gatheringFor: (answer: Answer) => Gathering<V>,
): Outcome {
  const { forwarder, isNode, router, routing } = coordinator;
  if (router.shardCount === 0) return coordinator.fail(session, reply, slotNotServed);
  const routes = [...routing.shards()];
  if (routes.length === 0 && isNode) {
    // A node that leads nothing answers as an empty server; as a replica of Redis it does not say that it has written.
    if (command.isWrite) return coordinator.fail(session, reply, leadsNothing);
    return coordinator.own(session, request, reply);
  }
  const problem = forwarder.problemOf(request);
  if (problem !== null) return coordinator.fail(session, reply, problem);
  const isLasting = forwarder.lasts(command, request);
  const answer = coordinator.answerLater(session, frameLength(request), isLasting);
  const gathering = gatheringFor(answer);
  // Writes are answered by how many there were at most: nothing that a client could keep.
  if (isLasting || command.isWrite) session.replies.setOwn(answer);
  for (const route of routes) {
    const lane = forwarder.lane(session, route, command);
    forwarder.ask(session, lane, command, request, gathering.add());
    if (isLasting) session.waitsAt(lane);
  }
  gathering.sent();
  return forwarder.outcome(session, isLasting);
}
