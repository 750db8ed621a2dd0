/**
 * Sessions whose command is not answered yet: they wait for a key to change (BLPOP and its kin), or for
 * work that takes its time (SAVE).
 */
import type { Env, Reply } from '@holdfast/common';
import type { BlockOptions, KV, Session } from '@holdfast/engine';
import { valueTypes } from '@holdfast/storage';
import { keyNameOf, type Waiter, WaitQueues } from './wait-queues.js';

export interface WaitingOptions {
  readonly kv: KV;
  readonly env: Env;
  /** Runs a waiting command once more. */
  readonly execute: (waiter: Waiter) => void;
  /** Brings the keys of a waiting command into memory; null when they are there. */
  readonly load: (waiter: Waiter) => Promise<void> | null;
  /** Runs something as a turn of its own. */
  readonly inTurn: (body: () => void) => void;
  /** Where the answer of a session goes that waited. */
  readonly replyOf: (session: Session) => Reply;
  /** The session is answered: it goes on. */
  readonly release: (session: Session) => void;
  readonly isOpen: (session: Session) => boolean;
  /** A script is suspended: nobody is served. */
  readonly isHeld: () => boolean;
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
    return this.queues.hasReady && !this.#isServing && !this.#options.isHeld();
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
    const { retry = request, timeoutMs } = options;
    const waiter: Waiter = {
      session,
      command,
      request: retry.toOwned(),
      names: keys.map((key) => keyNameOf(session.database, key, 0, key.length)),
      options,
      timer: null,
    };
    if (timeoutMs > 0) {
      waiter.timer = env.timers.setTimeout(() => this.#timeOut(waiter), timeoutMs - session.waitedMs);
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
        kv.registry.figuresOf(command).failedCalls++;
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
    this.#fail(waiter, 'UNBLOCKED client unblocked via CLIENT UNBLOCK');
    return true;
  }

  /** Ends the waits of all who wait for keys, with an error. */
  failAll(message: string): void {
    for (const waiter of this.takeAll()) this.#fail(waiter, message);
  }

  /** The session waits for keys no longer. */
  end(session: Session): void {
    const waiter = this.queues.of(session);
    if (waiter === undefined) return;
    this.queues.remove(waiter);
    if (waiter.timer !== null) this.#options.env.timers.clearTimeout(waiter.timer);
    this.#options.onChange();
  }

  /** All who wait for keys, who wait no longer. What takes its time goes on. */
  takeAll(): Waiter[] {
    const waiters = [...this.queues.all()];
    for (const { session } of waiters) this.end(session);
    return waiters;
  }

  /** Tries the commands of those who wait for keys that changed, until no more of them change. */
  serve(): void {
    this.#isServing = true;
    // What made data available may have taken its time: a key may have expired meanwhile.
    this.#options.kv.beginTurn();
    const served: Session[] = [];
    while (this.queues.hasReady) {
      for (const name of this.queues.takeReady()) this.#serveKey(name, served);
    }
    this.#isServing = false;
    for (const session of served) this.#options.release(session);
  }

  /** Oldest first, as long as there is something to be had. */
  #serveKey(name: string, served: Session[]): void {
    for (const waiter of this.queues.waitersOf(name)) {
      const loading = this.#options.load(waiter);
      if (loading !== null) {
        this.#serveOnceLoaded(name, waiter, loading);
        return;
      }
      const { isExacting = false, type } = waiter.options;
      if (!isExacting && this.#typeOf(name) !== type) continue;
      if (this.#tryAgain(waiter)) served.push(waiter.session);
    }
  }

  /** Another key of the waiter's command is not in memory: nobody overtakes it meanwhile. */
  #serveOnceLoaded(name: string, waiter: Waiter, loading: Promise<void>): void {
    const { inTurn } = this.#options;
    const goOn = (): void => {
      this.queues.signal(name);
      if (this.hasReady) this.serve();
    };
    loading.then(
      () => inTurn(goOn),
      (error: Error) =>
        inTurn(() => {
          if (this.queues.of(waiter.session) === waiter) {
            this.#fail(waiter, `ERR the key could not be loaded: ${error.message}`);
          }
          goOn();
        }),
    );
  }

  /** False when it goes on waiting. */
  #tryAgain(waiter: Waiter): boolean {
    const { context } = this.#options.kv;
    this.#resuming = waiter;
    this.#resumingBlocked = false;
    context.isResumed = true;
    this.#options.execute(waiter);
    context.isResumed = false;
    this.#resuming = null;
    if (this.#resumingBlocked) return false;
    this.end(waiter.session);
    return true;
  }

  /** A key that has expired holds nothing, and is not removed here: that is for a command that looks for it. */
  #typeOf(name: string): number {
    const { context, redisVersion, storage } = this.#options.kv;
    const db = storage.database(name.charCodeAt(0));
    const key = Buffer.from(name.slice(1), 'latin1');
    const ref = db.find(key, 0, key.length);
    if (ref === 0) return valueTypes.none;
    if (redisVersion.removesForWaiters) return db.type(ref);
    const expiryMs = db.expiry(ref);
    return expiryMs !== 0 && expiryMs <= context.nowMs ? valueTypes.none : db.type(ref);
  }

  #timeOut(waiter: Waiter): void {
    const { session, options, command } = waiter;
    this.end(session);
    this.#options.kv.registry.figuresOf(command).calls++;
    options.onTimeout(this.#options.replyOf(session));
    this.#options.release(session);
  }

  #fail(waiter: Waiter, message: string): void {
    const { session, command } = waiter;
    const { kv, release, replyOf } = this.#options;
    this.end(session);
    const figures = kv.registry.figuresOf(command);
    figures.calls++;
    figures.failedCalls++;
    kv.stats.countError(message);
    replyOf(session).error(message);
    release(session);
  }
}
