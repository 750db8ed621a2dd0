/**
 * Clients that wait for keys (BLPOP and its kin), oldest first for each key.
 *
 * A waiter's command was tried and found nothing. When one of its keys changes, the command is tried
 * again, after the command or transaction that made the change; it then either replies, or goes on
 * waiting at its old place in the queue.
 */
import { byteStringOf, type Request, type Timer } from '@holdfast/common';
import type { BlockOptions, Command, Session } from '@holdfast/engine';

export interface Waiter {
  readonly session: Session;
  readonly command: Command;
  /** Owned. */
  readonly request: Request;
  readonly names: readonly string[];
  readonly options: BlockOptions;
  timer: Timer | null;
}

/** A key of a database as one string: keys are byte strings, and the database comes first. */
export function keyNameOf(database: number, bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(database) + byteStringOf(bytes, start, length);
}

export class WaitQueues {
  readonly #queues = new Map<string, Set<Waiter>>();
  readonly #bySession = new Map<Session, Waiter>();
  /** Keys that changed and have waiters, in the order of their first change. */
  #ready = new Set<string>();

  /** Number of waiting clients. */
  get size(): number {
    return this.#bySession.size;
  }

  /** Number of keys that somebody waits for. */
  get keys(): number {
    return this.#queues.size;
  }

  /** Number of keys whose end, too, somebody waits for. */
  get exactingKeys(): number {
    let keys = 0;
    for (const queue of this.#queues.values()) {
      for (const { options } of queue) {
        if (options.isExacting !== true) continue;
        keys++;
        break;
      }
    }
    return keys;
  }

  get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  add(waiter: Waiter): void {
    this.#bySession.set(waiter.session, waiter);
    for (const name of waiter.names) {
      const queue = this.#queues.get(name);
      if (queue === undefined) this.#queues.set(name, new Set([waiter]));
      else queue.add(waiter);
    }
  }

  remove(waiter: Waiter): void {
    this.#bySession.delete(waiter.session);
    for (const name of waiter.names) {
      const queue = this.#queues.get(name);
      if (queue === undefined) continue;
      queue.delete(waiter);
      if (queue.size === 0) this.#queues.delete(name);
    }
  }

  all(): Iterable<Waiter> {
    return this.#bySession.values();
  }

  of(session: Session): Waiter | undefined {
    return this.#bySession.get(session);
  }

  /** A key changed: its waiters are to be tried. */
  signal(name: string): void {
    if (this.#queues.has(name)) this.#ready.add(name);
  }

  /** All waited-for keys of a database may have changed. */
  signalDatabase(database: number): void {
    for (const name of this.#queues.keys()) if (name.charCodeAt(0) === database) this.#ready.add(name);
  }

  /** The keys signaled so far, and forgets them. */
  takeReady(): Iterable<string> {
    const ready = this.#ready;
    this.#ready = new Set();
    return ready;
  }

  /** Waiters of a key, oldest first. They may be removed while they are walked through. */
  waitersOf(name: string): Iterable<Waiter> {
    return this.#queues.get(name) ?? nobody;
  }
}

const nobody: readonly Waiter[] = [];
