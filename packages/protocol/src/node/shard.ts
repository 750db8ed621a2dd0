/** A shard as the node's side of a stream sees it: who executes its requests. */
// @hot-path
import type { Replica } from '@holdfast/coord';

export class Shard {
  readonly name: string;
  readonly coordinator: Replica['coordinator'];
  /** Requests came in this turn. */
  isInTurn = false;

  constructor(name: string, coordinator: Replica['coordinator']) {
    this.name = name;
    this.coordinator = coordinator;
  }
}
