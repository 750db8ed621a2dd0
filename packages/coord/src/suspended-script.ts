/**
 * A script that could not end in the turn it began in: it is resumed, in turns of its own, until it is done. Atomic all
 * the same: nothing else changes data meanwhile, and what it writes is one batch.
 *
 *     turns      | other clients, script | script | script | ...     others: refused with BUSY while it is slow,
 *     log          held ................................ one batch     held back while it only waits for keys
 *
 * When it was called by EXEC, the rest of the transaction follows.
 */
import type { Env, Reply, Request } from '@holdfast/common';
import type { Command, KV, Session } from '@holdfast/engine';
import type { Committer } from './committer.js';
import type { HeldCommand } from './pauses.js';

export interface SuspendedScriptOptions {
  readonly kv: KV;
  readonly env: Env;
  readonly committer: () => Committer;
  /** Runs something on behalf of a session. */
  readonly speakFor: (session: Session, body: () => void) => void;
  /** Goes on with the transaction that the script was part of, if any: until its end, or the next such script. */
  readonly resumeTransaction: (reply: Reply) => void;
  /** Where the answer of a session goes that waited: what it was called with may be another one's by then. */
  readonly replyOf: (session: Session) => Reply;
  /** The session's command is answered. */
  readonly release: (session: Session) => void;
  /** Goes on with what was held back. */
  readonly resumeHeld: (held: readonly HeldCommand[]) => void;
  /** Data may have changed that others wait for. */
  readonly afterTurn: () => void;
}

export class SuspendedScript {
  /** There is one. */
  isActive = false;
  readonly #options: SuspendedScriptOptions;
  #session: Session | null = null;
  #held: HeldCommand[] = [];
  /** What it wrote so far is one half of a write. */
  #endWrite = (): void => {};

  constructor(options: SuspendedScriptOptions) {
    this.#options = options;
  }

  /** The script of the current command is suspended: see `Host.suspend`. */
  begin(session: Session): void {
    const { kv, replyOf } = this.#options;
    this.#session = session;
    kv.scripting.execution.current!.reply = replyOf(session);
    if (!this.isActive) {
      this.isActive = true;
      this.#options.committer().hold();
      this.#endWrite = kv.storage.beginLongWrite();
    }
    this.#schedule();
  }

  /** Why a command is refused meanwhile; null when it may run, or be held back. */
  refusalOf(command: Command, request: Request): string | null {
    const { execution } = this.#options.kv.scripting;
    if (!execution.isBusy) return null;
    if (!command.flags.has('allow_busy')) return execution.busyError;
    return command.name === 'SHUTDOWN' && !isWithoutSaving(request) ? execution.busyError : null;
  }

  /** Whether a command has to wait until the script is done. */
  holds(command: Command): boolean {
    return !command.flags.has('allow_busy');
  }

  hold(session: Session, request: Request): void {
    session.isBlocked = true;
    this.#held.push({ session, request: request.toOwned(), arrival: session.arrival });
    session.arrival = 0;
  }

  /** The client is gone. The script goes on. */
  forget(session: Session): void {
    this.#held = this.#held.filter((each) => each.session !== session);
  }

  /** The server ends: what the script did so far is forgotten. */
  abandon(): void {
    if (!this.isActive) return;
    this.#options.kv.scripting.execution.abandon();
    this.#options.committer().abandon();
    this.#endWrite();
    this.#session = null;
  }

  /** Forgets the script, and what it did so far. Who waits for it, and what was held back, is the caller's now. */
  takeAll(): HeldCommand[] {
    const held = this.#held;
    this.#held = [];
    if (!this.isActive) return held;
    const { execution } = this.#options.kv.scripting;
    const run = execution.current;
    const session = this.#session;
    execution.abandon();
    this.isActive = false;
    this.#endWrite();
    this.#session = null;
    if (run !== null && session !== null) held.unshift({ session, request: run.request, arrival: 0 });
    return held;
  }

  #schedule(): void {
    const { env, kv } = this.#options;
    const { execution } = kv.scripting;
    const awaited = execution.takeAwaited();
    const resume = (): void => this.#resume();
    if (awaited === null) {
      env.timers.setImmediate(resume);
      return;
    }
    awaited.then(resume, (error: Error) => {
      execution.failAwaited(error.message);
      this.#resume();
    });
  }

  #resume(): void {
    const session = this.#session;
    if (session === null) return;
    const { kv, replyOf, resumeTransaction, speakFor } = this.#options;
    const { execution } = kv.scripting;
    speakFor(session, () => {
      execution.resume();
      if (!execution.isSuspended) resumeTransaction(replyOf(session));
    });
    if (execution.isSuspended) this.#schedule();
    else this.#end(session);
  }

  #end(session: Session): void {
    const { afterTurn, committer, release, resumeHeld } = this.#options;
    this.isActive = false;
    this.#session = null;
    this.#endWrite();
    committer().release();
    release(session);
    afterTurn();
    const held = this.#held;
    this.#held = [];
    if (held.length > 0) resumeHeld(held);
  }
}

function isWithoutSaving(request: Request): boolean {
  for (let i = 1; i < request.count; i++) if (request.is(i, 'NOSAVE')) return true;
  return false;
}
