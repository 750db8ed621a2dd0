/**
 * Sessions whose command is not answered yet: they wait for a key to change (BLPOP and its kin), or for
 * work that takes its time (SAVE).
 */
import type { Env, Reply } from '@holdfast/common';
import type { BlockOptions, KV, Session } from '@holdfast/engine';
import { keyNameOf, type Waiter, WaitQueues } from './wait-queues.js';

export interface WaitingOptions {
  readonly kv: KV;
  readonly env: Env;
  /** Runs a waiting command once more. */
  readonly execute: (waiter: Waiter) => void;
  /** Where the answer of a session goes that waited. */
  readonly replyOf: (session: Session) => Reply;
  /** The session is answered: it goes on. */
  readonly release: (session: Session) => void;
  readonly isOpen: (session: Session) => boolean;
  /** Somebody began or ceased to wait for keys. */
  readonly onChange: () => void;
}

export class Waiting {
  readonly queues = new WaitQueues();
  /** The command being run is not answered: set by it, cleared before the next one. */
  hasBlocked = false;
  readonly #options: WaitingOptions;
  /** The waiter that is being tried again. */
  #resuming: Waiter | null = null;
  #resumingBlocked = false;
  #isServing = false;

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  /** Keys changed that somebody waits for. */
  get hasReady(): boolean {
    return this.queues.hasReady && !this.#isServing;
  }

  /** The command being run waits for one of `keys`: see `Host.block`. */
  block(session: Session, keys: readonly Uint8Array[], options: BlockOptions): void {
    if (this.#resuming !== null) {
      this.#resumingBlocked = true;
      return;
    }
    this.hasBlocked = true;
    const { env, kv } = this.#options;
    const { command, request } = kv.context;
    const waiter: Waiter = {
      session,
      command,
      request: request.toOwned(),
      names: keys.map((key) => keyNameOf(session.database, key, 0, key.length)),
      options,
      timer: null,
    };
    if (options.timeoutMs > 0) {
      waiter.timer = env.timers.setTimeout(() => this.#timeOut(waiter), options.timeoutMs);
    }
    this.queues.add(waiter);
    this.#options.onChange();
  }

  /** The command being run is answered when `work` is done: see `Host.defer`. */
  defer(session: Session, work: Promise<unknown>, onDone: (reply: Reply) => void): void {
    this.hasBlocked = true;
    const { isOpen, kv, release, replyOf } = this.#options;
    const { command } = kv.context;
    const finish = (answer: (reply: Reply) => void): void => {
      if (!isOpen(session)) return;
      answer(replyOf(session));
      release(session);
    };
    work.then(
      () => finish(onDone),
      (error: Error) => {
        const message = `ERR ${error.message}`;
        command.failedCalls++;
        kv.stats.countError(message);
        finish((reply) => reply.error(message));
      },
    );
  }

  isWaiting(session: Session): boolean {
    return this.queues.of(session) !== undefined;
  }

  /** Ends a wait for keys: see `Host.unblock`. */
  unblock(session: Session, withError: boolean): boolean {
    const waiter = this.queues.of(session);
    if (waiter === undefined) return false;
    if (!withError) {
      this.#timeOut(waiter);
      return true;
    }
    this.end(session);
    const { kv, release, replyOf } = this.#options;
    const message = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';
    waiter.command.failedCalls++;
    kv.stats.countError(message);
    replyOf(session).error(message);
    release(session);
    return true;
  }

  /** The session waits for keys no longer. */
  end(session: Session): void {
    const waiter = this.queues.of(session);
    if (waiter === undefined) return;
    this.queues.remove(waiter);
    if (waiter.timer !== null) this.#options.env.timers.clearTimeout(waiter.timer);
    this.#options.onChange();
  }

  /** Tries the commands of those who wait for keys that changed, until no more of them change. */
  serve(): void {
    this.#isServing = true;
    const served: Session[] = [];
    while (this.queues.hasReady) {
      for (const name of this.queues.takeReady()) {
        for (const waiter of this.queues.waitersOf(name)) {
          if (this.#tryAgain(waiter, name)) served.push(waiter.session);
        }
      }
    }
    this.#isServing = false;
    for (const session of served) this.#options.release(session);
  }

  #tryAgain(waiter: Waiter, name: string): boolean {
    const { session, options } = waiter;
    if (this.queues.of(session) !== waiter || !this.#holds(name, options.type)) return false;
    const { context } = this.#options.kv;
    this.#resuming = waiter;
    this.#resumingBlocked = false;
    context.isResumed = true;
    this.#options.execute(waiter);
    context.isResumed = false;
    this.#resuming = null;
    if (this.#resumingBlocked) return false;
    this.end(session);
    return true;
  }

  #holds(name: string, type: number): boolean {
    const db = this.#options.kv.storage.database(name.charCodeAt(0));
    const key = Buffer.from(name.slice(1), 'latin1');
    const ref = db.find(key, 0, key.length);
    return ref !== 0 && db.type(ref) === type;
  }

  #timeOut(waiter: Waiter): void {
    const { session, options } = waiter;
    if (this.queues.of(session) !== waiter) return;
    this.end(session);
    options.onTimeout(this.#options.replyOf(session));
    this.#options.release(session);
  }
}
