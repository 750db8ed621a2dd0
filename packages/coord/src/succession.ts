/**
 * How a coordinator goes over from one way of committing to another, while it runs: those who follow what is committed
 * are told, and when another one leads from now on, nobody is left waiting here.
 */
import type { Session } from '@holdfast/engine';
import type { ClientRegistry } from './client-registry.js';
import type { Committer } from './committer.js';
import type { Guard } from './guard.js';
import type { LateAnswers } from './late-answers.js';
import type { Refusals } from './refusals.js';
import type { ServerState } from './server-state.js';
import type { Transactions } from './transactions.js';
import type { Waiter } from './wait-queues.js';

export interface SuccessionOptions {
  readonly state: ServerState;
  readonly clients: ClientRegistry;
  readonly transactions: Transactions;
  readonly refusals: Refusals;
  readonly late: LateAnswers;
  /** Commands that are not answered yet, in the order in which they are to be: they are the caller's then. */
  readonly takeWaiting: () => Pick<Waiter, 'session' | 'request'>[];
  /** Those who follow this server are told to go. */
  readonly endDownstream: () => void;
}

export class Succession {
  readonly #options: SuccessionOptions;
  readonly #onCommitted: (() => void)[] = [];
  readonly #onRevoked: (() => void)[] = [];

  constructor(options: SuccessionOptions) {
    this.#options = options;
  }

  onCommitted(listener: () => void): void {
    this.#onCommitted.push(listener);
  }

  onRevoked(listener: () => void): void {
    this.#onRevoked.push(listener);
  }

  tellCommitted(): void {
    for (const listener of this.#onCommitted) listener();
  }

  /** See `LocalCoordinator.commitThrough`. */
  commitThrough(committer: Committer, guard: Guard | null): void {
    const { endDownstream, state } = this.#options;
    state.committer = committer;
    state.guard = guard;
    if (guard !== null) endDownstream();
    committer.onCommitted(() => {
      if (state.committer === committer) this.tellCommitted();
    });
    this.tellCommitted();
  }

  /** See `LocalCoordinator.revoke`. */
  revoke(committer: Committer, guard: Guard): void {
    const { clients, state, takeWaiting, transactions } = this.#options;
    state.guard = guard;
    for (const listener of this.#onRevoked) listener();
    for (const session of clients.all()) session.dependsOn = 0;
    const waiting = takeWaiting();
    const torn = transactions.breakAll();
    this.commitThrough(committer, guard);
    torn?.sink.close(false);
    for (const { session, request } of waiting) {
      if (clients.has(session) && session !== torn) this.#sendElsewhere(session, request);
    }
  }

  #sendElsewhere(session: Session, request: Waiter['request']): void {
    const { late, refusals } = this.#options;
    refusals.redirect(session, session.lastCommand!, request, late.replyOf(session));
    late.release(session);
  }
}
