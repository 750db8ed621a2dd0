/** Where the requests of one shard go: to its leader, as far as it is known and can be reached. */
// @hot-path

import type { Lane } from './lane.js';
import { retryPauseMs, retryTimeoutMs } from './limits.js';
import type { NodeChannel } from './node-channel.js';
import type { Router } from './router.js';
import type { Run } from './run.js';

export class ShardRoute {
  readonly name: string;
  /** Never changes, and is never used again. */
  readonly index: number;
  /** With a replica. */
  nodes: readonly string[];
  /** Of what is known of who leads; -1 when nothing is. */
  epoch = -1;
  leader: string | null = null;
  /** To the leader; null while it can't be reached, or is not known. */
  channel: NodeChannel | null = null;
  /** Up to it nobody leads any more. */
  #lostEpoch = -1;
  readonly #router: Router;
  readonly #waiting = new Set<Lane>();
  #pauseMs: number = retryPauseMs.first;
  #isPausing = false;
  #nextReplica = 0;

  constructor(router: Router, name: string, index: number, nodes: readonly string[]) {
    this.#router = router;
    this.name = name;
    this.index = index;
    this.nodes = nodes;
  }

  /** A run waits in a lane for the leader. */
  park(lane: Lane, run: Run): void {
    if (run.deadlineMs === 0) run.deadlineMs = this.#router.nowMs() + retryTimeoutMs;
    this.#waiting.add(lane);
    this.#router.sweepLater();
  }

  /** Runs came back from `refused`: they are sent again, after a pause if there is nobody else to be asked. */
  retry(lane: Lane, refused: NodeChannel | null): void {
    const deadlineMs = this.#router.nowMs() + retryTimeoutMs;
    lane.setDeadlines(deadlineMs);
    this.#waiting.add(lane);
    this.#router.sweepLater();
    const next = lane.isStale ? this.anyChannel() : this.channel;
    if (next === null) return;
    if (next !== refused) this.#router.later(() => this.wake());
    else this.#wakeAfterPause();
  }

  /** The leader can be reached, or is another one: what waited is sent. */
  wake(): void {
    for (const lane of this.#waiting) {
      lane.unpark();
      if (!lane.hasParked) this.#waiting.delete(lane);
    }
  }

  /** Gives up what has waited for too long; whether something waits on. */
  sweep(nowMs: number, message: string): boolean {
    for (const lane of this.#waiting) if (!lane.expire(nowMs, message)) this.#waiting.delete(lane);
    return this.#waiting.size > 0;
  }

  /** Somebody leads in an epoch: what is known before another does. Those who have not heard that it is over say so, too. */
  learn(leader: string, epoch: number): void {
    if (epoch < this.epoch || epoch <= this.#lostEpoch) return;
    this.epoch = epoch;
    this.leader = leader;
    this.#pauseMs = retryPauseMs.first;
  }

  /** Who led in an epoch does no more: nobody is known until somebody else does, or the same one in another epoch. */
  lose(epoch: number): void {
    if (epoch < this.epoch) return;
    this.leader = null;
    this.#lostEpoch = epoch;
  }

  /**
   * To some replica that can be reached: this node's own where there is one, otherwise another one each time. Null when
   * there is none.
   */
  anyChannel(): NodeChannel | null {
    const { nodes } = this;
    const { home } = this.#router;
    if (home !== null && nodes.includes(home)) return this.#router.channelOf(home);
    for (let i = 0; i < nodes.length; i++) {
      const channel = this.#router.channelOf(nodes[this.#nextReplica++ % nodes.length]);
      if (channel?.isUp && !channel.isLeaving) return channel;
    }
    return this.channel;
  }

  #wakeAfterPause(): void {
    if (this.#isPausing) return;
    this.#isPausing = true;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, retryPauseMs.max);
    this.#router.after(pauseMs, () => {
      this.#isPausing = false;
      this.wake();
    });
  }
}
