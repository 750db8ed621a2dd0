/**
 * CLIENT PAUSE: commands of all clients, or those that write, are held back until a point in time. A
 * command that is held back waits with its session, in the order of arrival.
 */
import type { Env, Request, Timer } from '@holdfast/common';
import type { Command, KV, Session } from '@holdfast/engine';
import { mayWrite } from './admission.js';

export interface HeldCommand {
  readonly session: Session;
  /** Owned. */
  readonly request: Request;
  /** See `Session.arrival`. */
  readonly arrival: number;
}

export type PauseMode = 'all' | 'write';

export class Pauses {
  readonly #kv: KV;
  readonly #env: Env;
  readonly #resume: (held: readonly HeldCommand[]) => void;
  #held: HeldCommand[] = [];
  #untilMs = 0;
  #timer: Timer | null = null;
  #mode: PauseMode = 'all';

  /** `resume` receives, in a turn of its own, the commands that may go on. */
  constructor(kv: KV, env: Env, resume: (held: readonly HeldCommand[]) => void) {
    this.#kv = kv;
    this.#env = env;
    this.#resume = resume;
  }

  get isActive(): boolean {
    return this.#untilMs !== 0;
  }

  /** The mode that holds back more counts, and the latest end. Expired keys stay as they are meanwhile. */
  begin(untilMs: number, mode: PauseMode): void {
    if (!this.isActive || mode === 'all') this.#mode = mode;
    this.#untilMs = Math.max(this.#untilMs, untilMs);
    this.#kv.isPaused = true;
    const { clock, timers } = this.#env;
    if (this.#timer !== null) timers.clearTimeout(this.#timer);
    this.#timer = timers.setTimeout(() => this.#endIfOver(), this.#untilMs - clock.now() + 1);
  }

  end(): void {
    if (this.#timer !== null) this.#env.timers.clearTimeout(this.#timer);
    this.#timer = null;
    this.#untilMs = 0;
    this.#kv.isPaused = false;
    const held = this.#held;
    this.#held = [];
    if (held.length > 0) this.#env.timers.setImmediate(() => this.#resume(held));
  }

  /** Whether a command must wait. To be asked while a pause is active. Who is sent what others do is no client in this sense. */
  holds(session: Session, command: Command, request: Request): boolean {
    if (session.isReplica || session.isMonitor) return false;
    if (this.#env.clock.now() >= this.#untilMs) {
      this.end();
      return false;
    }
    if (this.#mode === 'all' || command.isWrite) return true;
    if (command.flags.has('may_replicate')) return !this.#kv.scripting.onlyReads(command, request);
    return mayWrite(session, command);
  }

  hold(session: Session, request: Request): void {
    const { arrival } = session;
    session.arrival = 0;
    session.isBlocked = true;
    this.#held.push({ session, request: request.toOwned(), arrival });
  }

  /** Ends the pause; the commands it held back are the caller's now. */
  takeAll(): HeldCommand[] {
    const held = this.#held;
    this.#held = [];
    this.end();
    return held;
  }

  forget(session: Session): void {
    this.#held = this.#held.filter((each) => each.session !== session);
  }

  #endIfOver(): void {
    if (this.#untilMs !== 0 && this.#env.clock.now() >= this.#untilMs) this.end();
  }
}
