/** READONLY and READWRITE: which replicas answer the reads of a connection. */
import type { ReadMode, Session } from '@holdfast/engine';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import type { Handler, Handlers } from './plans.js';

export class ReadModeCommands {
  readonly handlers: Handlers = {
    readonly: this.#setting(() => 'stale'),
    readwrite: this.#setting((session) => session.usualReadMode),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  #setting(modeOf: (session: Session) => ReadMode): Handler {
    return (session, _command, _request, reply) => {
      session.readMode = modeOf(session);
      return this.#coordinator.answer(session, reply, (target) => target.ok());
    };
  }
}
