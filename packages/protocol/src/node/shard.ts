/** A shard as the node's side of a stream sees it: who executes its requests. */
// @hot-path
import type { Coordinator } from '@holdfast/coord';

export class Shard {
  readonly name: string;
  readonly coordinator: Coordinator;
  /** Requests came in this turn. */
  isInTurn = false;

  constructor(name: string, coordinator: Coordinator) {
    this.name = name;
    this.coordinator = coordinator;
  }
}
