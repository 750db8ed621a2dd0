/**
 * One caller without a connection: runs a request, and gets its reply as a value once that may be seen. For
 * calls of gRPC and of the embedded library.
 */
import { ErrorReply, KvError, type ReplyValue, Request, ValueReply } from '@holdfast/common';
import type { Session, SessionSink } from '@holdfast/engine';
import { type Coordinator, outcomes, revokedError, type SessionOptions } from './coordinator.js';
import type { Turns } from './turns.js';

export interface Answer {
  readonly value: ReplyValue;
  /** Of the key that was written or read last; 0 when there was none. */
  readonly version: number;
}

export class Caller implements SessionSink {
  readonly reply = new ValueReply(3);
  readonly outputBytes = 0;
  readonly inputBytes = 0;
  session!: Session;
  readonly #coordinator: Coordinator;
  readonly #turns: Turns;
  readonly #request = new Request();
  #isClosed = false;
  #resolve: ((answer: Answer) => void) | null = null;
  #reject: ((error: Error) => void) | null = null;

  private constructor(coordinator: Coordinator, turns: Turns) {
    this.#coordinator = coordinator;
    this.#turns = turns;
  }

  /** Null when the limit of clients is reached. */
  static open(coordinator: Coordinator, turns: Turns, options: SessionOptions): Caller | null {
    const caller = new Caller(coordinator, turns);
    const session = coordinator.open(caller, options);
    if (session === null) return null;
    session.dialect = 3;
    caller.session = session;
    return caller;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Waits for its reply: no other request may be run. */
  get isBusy(): boolean {
    return this.#resolve !== null;
  }

  /**
   * Runs a request; strings are UTF-8. An error reply is a value, too. Rejects with KvError CLOSED when the
   * caller is closed before the reply may be seen: what the request did, it did.
   */
  run(args: readonly (string | Uint8Array)[]): Promise<Answer> {
    if (this.#isClosed) return Promise.reject(closed());
    if (this.#resolve !== null) return Promise.reject(new KvError('INVALID', 'the caller is busy'));
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#turns.begin();
      this.reply.dialect = this.session.dialect;
      const request = this.#request.assign(args);
      if (this.#coordinator.coordinate(this.session, request, this.reply) !== outcomes.pending) this.resume();
    });
  }

  // SessionSink

  wake(): void {}

  resume(): void {
    const resolve = this.#resolve;
    const value = this.reply.take();
    if (resolve === null || value === undefined) return;
    const { session } = this;
    const answer = { value, version: session.keyVersion };
    const settle = (settled: Answer): void => {
      this.#resolve = null;
      this.#reject = null;
      resolve(settled);
    };
    this.#turns.whenCommitted(
      session.dependsOn,
      () => settle(answer),
      (fate) => settle({ value: new ErrorReply(revokedError(fate)), version: 0 }),
    );
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#coordinator.close(this.session);
    this.#reject?.(closed());
    this.#resolve = null;
    this.#reject = null;
  }
}

function closed(): KvError {
  return new KvError('CLOSED', 'the caller is closed');
}
