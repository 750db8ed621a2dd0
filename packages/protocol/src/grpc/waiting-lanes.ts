/**
 * The lanes of a stream whose commands wait, by the ids of these. Those that wait for a key are few: each holds a
 * session. Those whose replies are on their way from another node are as many as the stream lets be under way.
 */
// @hot-path
import type { Lane } from './lane.js';
import { waitingMax } from './limits.js';

export class WaitingLanes {
  readonly #lanes = new Map<string, Lane>();
  #onTheirWay = 0;

  get size(): number {
    return this.#lanes.size;
  }

  /** Those that wait for nothing but their replies. */
  get onTheirWay(): number {
    return this.#onTheirWay;
  }

  has(lane: Lane): boolean {
    return this.#lanes.get(lane.id) === lane;
  }

  get(id: string): Lane | undefined {
    return this.#lanes.get(id);
  }

  all(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** Why a command may not wait, as an error reply; null when it does. */
  add(lane: Lane, id: string, operation: number): string | null {
    const { isOnItsWay } = lane.session;
    if (this.#lanes.has(id)) return 'INVALID a command of this id is waiting';
    if (!isOnItsWay && this.#lanes.size - this.#onTheirWay >= waitingMax) {
      return `LIMIT at most ${waitingMax} commands of a stream may wait`;
    }
    lane.id = id;
    lane.operation = operation;
    lane.isOnItsWay = isOnItsWay;
    if (isOnItsWay) this.#onTheirWay++;
    this.#lanes.set(id, lane);
    return null;
  }

  /** The lane's command waits no more. */
  remove(lane: Lane): void {
    this.#lanes.delete(lane.id);
    if (lane.isOnItsWay) this.#onTheirWay--;
  }

  clear(): void {
    this.#lanes.clear();
    this.#onTheirWay = 0;
  }
}
