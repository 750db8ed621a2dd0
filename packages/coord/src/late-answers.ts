/**
 * What is answered later than it was asked: commands that were held back and those that wait for keys are run in turns
 * that no caller began. Such a turn is settled here, and whoever waits for what it committed is told.
 */
import { KvError, type Reply, type Request } from '@holdfast/common';
import type { KV, Session } from '@holdfast/engine';
import type { ClientRegistry } from './client-registry.js';
import { type Outcome, outcomes } from './coordinator.js';
import type { Forwarding } from './local-coordinator-options.js';
import type { HeldCommand } from './pauses.js';
import type { PubSubHub } from './pubsub-hub.js';
import type { Refusals } from './refusals.js';
import type { Waiter } from './wait-queues.js';

export interface LateAnswersOptions {
  readonly kv: KV;
  readonly clients: ClientRegistry;
  readonly hub: PubSubHub;
  readonly forwarding: Forwarding | null;
  /** Where a reply goes that the client does not want. */
  readonly discard: Reply;
  /** Answers a command that may not be run. */
  readonly reject: Refusals['reject'];
  /** Runs a command as if it came now. */
  readonly dispatch: (session: Session, request: Request, reply: Reply) => Outcome;
  /** Serves those who wait for keys, if there is something for them. */
  readonly serve: () => void;
  /** Ends a turn: see `Coordinator.settle`. */
  readonly settle: () => void;
  readonly committedVersion: () => number;
  readonly tellCommitted: () => void;
}

export class LateAnswers {
  readonly #options: LateAnswersOptions;

  constructor(options: LateAnswersOptions) {
    this.#options = options;
  }

  /** Runs commands that were held back, in a turn of its own. */
  resume(held: readonly HeldCommand[]): void {
    const { clients, kv } = this.#options;
    kv.beginTurn();
    for (const { session, request, arrival } of held) {
      if (!clients.has(session)) continue;
      session.isBlocked = false;
      session.arrival = arrival;
      const outcome = this.#run(session, request);
      session.arrival = 0;
      if (outcome === outcomes.pending) continue;
      this.release(session);
      if (outcome === outcomes.close) session.sink.close(true);
    }
    this.#settle();
  }

  /** What a command waited for can't be had. */
  fail({ session }: HeldCommand, error: Error): void {
    const { clients, kv } = this.#options;
    if (!clients.has(session)) return;
    const isTransient = error instanceof KvError && error.code === 'UNAVAILABLE';
    const message = isTransient
      ? `TRYAGAIN the command was not executed: ${error.message}`
      : `ERR the key could not be loaded: ${error.message}`;
    kv.stats.countError(message);
    this.replyOf(session).error(message);
    this.release(session);
  }

  /**
   * A command that waits is tried again, not shown to monitors a second time. What its user may do may have changed
   * meanwhile: what it no longer may is not done.
   */
  executeAgain({ session, command, request }: Waiter): void {
    const { hub, kv, reject } = this.#options;
    const denied = session.isUnlimited ? null : kv.access.refusal(session, command, request);
    const reply = this.replyOf(session);
    if (denied !== null) {
      reject(session, command, request, reply, denied);
      return;
    }
    hub.speaker = session;
    kv.execute(session, command, request, reply);
    hub.endSpeech();
  }

  /** Runs something on behalf of a session. */
  speakFor(session: Session, body: () => void): void {
    const { hub } = this.#options;
    hub.speaker = session;
    body();
    hub.endSpeech();
  }

  /** Where the answer of a session goes that waited: nowhere, by the client's wish. */
  replyOf(session: Session): Reply {
    const { discard, forwarding } = this.#options;
    if (session.replyMode !== 'on') return discard;
    return forwarding === null ? session.sink.reply : forwarding.replyOf(session);
  }

  /** A session that waited is answered, and goes on. */
  release(session: Session): void {
    this.#options.forwarding?.answered(session);
    endSkip(session);
    session.isBlocked = false;
    session.sink.wake();
    session.sink.resume();
  }

  inTurn(body: () => void): void {
    this.#options.kv.beginTurn();
    body();
    this.#settle();
  }

  /** Ends a turn in which data may have changed that others wait for. */
  endTurn(): void {
    this.#options.serve();
    this.#settle();
  }

  #run(session: Session, request: Request): Outcome {
    const { dispatch, forwarding } = this.#options;
    const reply = this.replyOf(session);
    return forwarding === null
      ? dispatch(session, request, reply)
      : forwarding.coordinate(session, request, reply);
  }

  /** What a turn committed at once that no caller began: nobody else tells those who wait for it. */
  #settle(): void {
    const { committedVersion, settle, tellCommitted } = this.#options;
    const before = committedVersion();
    settle();
    if (committedVersion() > before) tellCommitted();
  }
}

/** CLIENT REPLY SKIP is over with the command that was skipped. */
export function endSkip(session: Session): void {
  if (session.replyMode === 'skip') session.replyMode = 'on';
}
