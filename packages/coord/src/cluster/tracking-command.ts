/**
 * CLIENT TRACKING before a cluster: keys change where nobody knows who has read them here, so it can't be promised that
 * anybody is told. It can only be off.
 */
import type { ClusterCoordinator } from './cluster-coordinator.js';
import type { Handlers } from './plans.js';

const refusal =
  "ERR CLIENT TRACKING can't be on in a cluster: changes of keys are not told to those who read them";

export class TrackingCommand {
  readonly handlers: Handlers = {
    'client|tracking': (session, _command, request, reply) =>
      request.is(2, 'ON')
        ? this.#coordinator.fail(session, reply, refusal)
        : this.#coordinator.own(session, request, reply),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }
}
