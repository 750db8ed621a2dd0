/**
 * Keeps a client at the member that leads: another one passes each change on to it, which takes one more hop.
 *
 *     calls     | | |x  | | | |  | | |           | | |
 *     looks          ^     soon after a failure   ^     and now and then, as the lead moves without one, too
 *
 * A look asks the member that the client is at who leads, and the others only when that is somebody else. There is no
 * timer: whoever calls asks whether a look is due, so a client that has nothing to do asks nobody.
 *
 * A member that failed is not turned to for a while, although it leads: it may answer a look and not a call.
 */
import type { Clock } from '@holdfast/common';
import { leaderAvoidMs, leaderLookMs, leaderLookSoonMs } from './limits.js';

/** What a member says of itself; the ids are etcd's. */
export interface MemberWord {
  readonly id: string;
  /** Of the member that leads, as far as this one knows; '0' when it knows of none. */
  readonly leader: string;
}

export interface LeaderSearchOptions<E> {
  readonly clock: Clock;
  readonly all: readonly E[];
  readonly current: () => E;
  readonly ask: (endpoint: E) => Promise<MemberWord>;
  readonly prefer: (endpoint: E) => void;
}

export class LeaderSearch<E> {
  readonly #options: LeaderSearchOptions<E>;
  /** Until when a member that failed is not turned to, by the monotonic clock. */
  readonly #avoidedMs = new Map<E, number>();
  #dueMs: number;
  #isLooking = false;

  /** The first look is an interval away: whoever opens a client has just looked. */
  constructor(options: LeaderSearchOptions<E>) {
    this.#options = options;
    this.#dueMs = options.clock.monotonic() + leaderLookMs;
  }

  /** Somebody had better look now. Cheap: asked before every call. */
  get isDue(): boolean {
    return !this.#isLooking && this.#options.clock.monotonic() >= this.#dueMs;
  }

  /** A call to this member failed: it may lead no longer. */
  failed(endpoint: E): void {
    const nowMs = this.#options.clock.monotonic();
    this.#avoidedMs.set(endpoint, nowMs + leaderAvoidMs);
    this.#dueMs = Math.min(this.#dueMs, nowMs + leaderLookSoonMs);
  }

  /** Turns to the member that leads, if it answers. Never rejects. */
  async look(): Promise<void> {
    const { all, clock, current } = this.#options;
    if (this.#isLooking || all.length === 1) return;
    this.#isLooking = true;
    const isFound = (await this.#leads(current())) || (await this.#find());
    this.#isLooking = false;
    this.#dueMs = clock.monotonic() + (isFound ? leaderLookMs : leaderLookSoonMs);
  }

  async #find(): Promise<boolean> {
    const { all, clock, prefer } = this.#options;
    const leads = await Promise.all(all.map((endpoint) => this.#leads(endpoint)));
    const nowMs = clock.monotonic();
    const leader = all.find((endpoint, i) => leads[i] && (this.#avoidedMs.get(endpoint) ?? 0) <= nowMs);
    if (leader === undefined) return false;
    prefer(leader);
    return true;
  }

  #leads(endpoint: E): Promise<boolean> {
    return this.#options.ask(endpoint).then(
      ({ id, leader }) => id === leader,
      () => false,
    );
  }
}
