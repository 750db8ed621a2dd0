/**
 * DEBUG before a cluster, of clients that may use it at this gateway (`enable-debug-command`): what is about a key or the
 * data is asked of the shards, what is about clients or the server is the gateway's own. What would change or read the data
 * of one replica behind the back of its log is not there.
 */
import { type Reply, type ReplyValue, Request, StatusReply } from '@holdfast/common';
import { type Command, mayDebug, wholeDigest } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { slotNotServed } from './errors.js';
import { gather } from './gathered-commands.js';
import { firstError, Gathering } from './gathering.js';
import type { Handlers } from './plans.js';
import type { RoutedSession } from './routed-session.js';
import { writeValue } from './write-value.js';

/** Knobs of engines: those of all leaders are turned. */
const ofEngines: ReadonlySet<string> = new Set([
  'SET-ACTIVE-EXPIRE',
  'SET-DISABLE-DENY-SCRIPTS',
  'SET-SKIP-CHECKSUM-VALIDATION',
]);
const ofOneServer: ReadonlySet<string> = new Set(['LOADAOF', 'POPULATE', 'RELOAD']);

export class DebugCommand {
  readonly handlers: Handlers = {
    debug: (session, command, request, reply) => this.#debug(session, command, request, reply),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  #debug(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    const { kv, routing } = coordinator;
    const name = request.text(1).toUpperCase();
    if (!mayDebug({ kv, session }) || routing.isEmpty) return coordinator.own(session, request, reply);
    if (name === 'OBJECT' && request.count === 3) {
      return coordinator.forwardTo(session, routing.at(request, 2), command, request, reply);
    }
    if (name === 'DIGEST-VALUE') return this.#digestValues(session, command, request, reply);
    if (name === 'DIGEST' && request.count === 2) {
      const asked = Request.of('DEBUG', 'DIGEST-DATABASES');
      return gather(coordinator, session, command, asked, reply, (values, target) =>
        writeValue(target, firstError(values) ?? digestOf(values)),
      );
    }
    if (ofEngines.has(name)) {
      return gather(coordinator, session, command, request, reply, (values, target) =>
        writeValue(target, firstError(values) ?? values[0]),
      );
    }
    if (ofOneServer.has(name)) {
      return coordinator.fail(session, reply, `ERR DEBUG ${name} is not there in a cluster`);
    }
    return coordinator.own(session, request, reply);
  }

  /** Each of the shard of its key, in their order. */
  #digestValues(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    const { forwarder, routing } = coordinator;
    const keys = Array.from({ length: request.count - 2 }, (_, i) => i + 2);
    const routes = keys.map((i) => routing.at(request, i));
    if (routes.includes(null)) return coordinator.fail(session, reply, slotNotServed);
    const answer = coordinator.answerLater(session);
    const gathering = Gathering.ofValues((values) => {
      writeValue(answer.held, firstError(values) ?? (values.flat() as ReplyValue[]));
      session.replies.ready(answer);
    }, session.replies.counting(answer));
    for (const [n, i] of keys.entries()) {
      const one = Request.of('DEBUG', 'DIGEST-VALUE', request.view(i));
      forwarder.ask(session, session.lane(routes[n]!), command, one, gathering.add());
    }
    gathering.sent();
    return forwarder.outcome(session, false);
  }
}

/** That of a server which has all of it: keys are folded in any order. */
function digestOf(ofShards: readonly ReplyValue[]): StatusReply {
  const parts = (ofShards.flat() as [number, Buffer][]).map(([index, keys]) => ({ index, keys }));
  return new StatusReply(wholeDigest(parts));
}
