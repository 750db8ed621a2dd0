/**
 * CLIENT UNBLOCK at a gateway: whether it ended a wait is known once that is answered, since the node may have served the
 * client already.
 */
import type { Request } from '@holdfast/common';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import type { Handler, Handlers } from './plans.js';
import type { RoutedSession } from './routed-session.js';

const [idAt, reasonAt] = [2, 3];

export class UnblockCommand {
  readonly handlers: Handlers = { 'client|unblock': this.#unblocking() };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  #unblocking(): Handler {
    return (session, _command, request, reply) => {
      const coordinator = this.#coordinator;
      const target = this.#clientOf(request);
      if (target === undefined || !target.isWaiting) return coordinator.own(session, request, reply);
      const answer = coordinator.answerLater(session);
      const known = (wasUnblocked: boolean): void => {
        answer.held.integer(wasUnblocked ? 1 : 0);
        session.replies.ready(answer);
      };
      if (!target.unblock(request.count > reasonAt && request.is(reasonAt, 'ERROR'), known)) known(false);
      return coordinator.forwarder.outcome(session, false);
    };
  }

  /** Undefined where there is none, or the request makes no sense. */
  #clientOf(request: Request): RoutedSession | undefined {
    const { count } = request;
    const hasReason = count === reasonAt + 1;
    const isKnown = hasReason && (request.is(reasonAt, 'ERROR') || request.is(reasonAt, 'TIMEOUT'));
    if (count !== reasonAt && !isKnown) return undefined;
    return this.#coordinator.kv.host.sessionById(request.integer(idAt)) as RoutedSession | undefined;
  }
}
