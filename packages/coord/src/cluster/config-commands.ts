/**
 * CONFIG in a cluster: parameters of connections are the gateway's own, all others are those of the nodes. What is set is
 * set at all nodes that can be reached, for all replicas there, so that it stays when others lead; a client of Redis Cluster
 * sets it at the node that it asks. A node that is started has what its settings say: for good it belongs there.
 */
import { ErrorReply, MapReply, type Reply, type ReplyValue, type Request } from '@holdfast/common';
import type { Command } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { gather } from './gathered-commands.js';
import { firstError, Gathering } from './gathering.js';
import { askNodes, nodesError, nodesOf } from './node-answers.js';
import { connectionParameters } from './parameter-places.js';
import type { Handlers } from './plans.js';
import type { RoutedSession } from './routed-session.js';
import { writeValue } from './write-value.js';

export class ConfigCommands {
  readonly handlers: Handlers = {
    'config|get': (session, command, request, reply) => this.#get(session, command, request, reply),
    'config|set': (session, command, request, reply) => this.#set(session, command, request, reply),
    'config|resetstat': (session, command, request, reply) =>
      this.#resetStat(session, command, request, reply),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  /** What a node says, but of its own parameters the gateway knows better. */
  #get(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    const { forwarder } = coordinator;
    const [route] = nodesOf(coordinator);
    if (route === undefined) return coordinator.own(session, request, reply);
    const own = coordinator.saidHere(session, request);
    const answer = coordinator.answerLater(session);
    const gathering = Gathering.ofValues(([theirs]) => {
      writeValue(
        answer.held,
        theirs instanceof MapReply && own instanceof MapReply ? merged(own, theirs) : own,
      );
      session.replies.ready(answer);
    }, session.replies.counting(answer));
    forwarder.ask(session, session.staleLane(route), command, request, gathering.add());
    gathering.sent();
    return forwarder.outcome(session, false);
  }

  #set(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    let isOwn = true;
    for (let i = 2; i < request.count; i += 2)
      isOwn &&= connectionParameters.has(request.text(i).toLowerCase());
    if (isOwn || this.#hasNoShards) return coordinator.own(session, request, reply);
    const slow = this.#slowOf(request);
    if (slow !== null) return coordinator.fail(session, reply, notTogether(slow));
    const own = this.#coordinator.saidHere(session, request);
    // That one has counted it.
    if (own instanceof ErrorReply)
      return coordinator.answer(session, reply, (target) => writeValue(target, own));
    return askNodes(coordinator, session, command, request, reply, (answers, target) =>
      writeValue(target, nodesError(answers) ?? answers[0].value),
    );
  }

  /** There is nobody else that has parameters. */
  get #hasNoShards(): boolean {
    const { isNode, router } = this.#coordinator;
    return isNode ? nodesOf(this.#coordinator).length === 0 : router.shardCount === 0;
  }

  #resetStat(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    this.#coordinator.saidHere(session, request);
    return gather(this.#coordinator, session, command, request, reply, (values, target) => {
      writeValue(target, firstError(values) ?? values[0]);
    });
  }

  /** The first parameter whose change takes time; null when there is none. */
  #slowOf(request: Request): string | null {
    const { config } = this.#coordinator.kv;
    for (let i = 2; i + 1 < request.count; i += 2) {
      const name = request.text(i).toLowerCase();
      if (config.has(name) && config.takesTime(new Map([[name, request.text(i + 1)]])))
        return request.text(i);
    }
    return null;
  }
}

function notTogether(name: string): string {
  const problem = "can't be changed together with parameters of the shards";
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`;
}

function merged(own: MapReply, theirs: MapReply): MapReply {
  const values = new Map<string, [ReplyValue, ReplyValue]>();
  for (const [name, value] of theirs.entries) values.set(String(name), [name, value]);
  for (const [name, value] of own.entries) {
    if (connectionParameters.has(String(name).toLowerCase()) || !values.has(String(name)))
      values.set(String(name), [name, value]);
  }
  const reply = new MapReply();
  reply.entries.push(...values.values());
  return reply;
}
