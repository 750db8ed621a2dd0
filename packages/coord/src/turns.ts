/**
 * The turns of the event loop, for callers that are not a stream of bytes: what was executed in a turn is
 * handed to the log at its end, and a reply is let go once what it depends on is committed.
 */
// @hot-path
import type { Timers } from '@holdfast/common';
import type { Coordinator, Fate } from './coordinator.js';

export interface TurnListener {
  /** The turn is over; what it wrote was handed to the log. */
  endTurn(): void;
}

interface Held {
  readonly version: number;
  readonly release: () => void;
  readonly revoke: (fate: Fate) => void;
}

export class Turns {
  readonly #coordinator: Coordinator;
  readonly #timers: Timers;
  #isScheduled = false;
  #listeners: TurnListener[] = [];
  #held: Held[] = [];
  readonly #end = (): void => this.#endTurn();

  constructor(coordinator: Coordinator, timers: Timers) {
    this.#coordinator = coordinator;
    this.#timers = timers;
    coordinator.onCommitted(() => this.#releaseHeld());
    coordinator.onRevoked(() => this.#revokeHeld());
  }

  /** To be called before requests are coordinated; as often as one likes. */
  begin(): void {
    this.#coordinator.beginTurn();
    this.#schedule();
  }

  /** Calls `listener` once, at the end of this turn. */
  atEnd(listener: TurnListener): void {
    this.#listeners.push(listener);
    this.#schedule();
  }

  /**
   * Calls `release` once `version` is committed: at once, if it is. Or `revoke`, when it was given up: see
   * `Coordinator.onRevoked`.
   */
  whenCommitted(version: number, release: () => void, revoke: (fate: Fate) => void): void {
    if (version <= this.#coordinator.committedVersion) release();
    else this.#held.push({ version, release, revoke });
  }

  /** Resolves in a later turn, so that others get theirs. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#timers.setImmediate(resolve));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#timers.setImmediate(this.#end);
  }

  #endTurn(): void {
    this.#isScheduled = false;
    this.#coordinator.settle();
    this.#releaseHeld();
    const listeners = this.#listeners;
    if (listeners.length === 0) return;
    this.#listeners = [];
    for (const listener of listeners) listener.endTurn();
  }

  #revokeHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const { version, release, revoke } of held) {
      const fate = this.#coordinator.fateOf(version);
      if (fate === 'committed') release();
      else revoke(fate);
    }
  }

  #releaseHeld(): void {
    const held = this.#held;
    if (held.length === 0) return;
    const { committedVersion } = this.#coordinator;
    this.#held = [];
    for (const each of held) {
      if (each.version <= committedVersion) each.release();
      else this.#held.push(each);
    }
  }
}
