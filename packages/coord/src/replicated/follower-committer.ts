/** Of a replica that does not lead: nothing is written here, and all there is to see is committed. */
import type { Committer } from '../committer.js';
import type { Fate } from '../coordinator.js';

export class FollowerCommitter implements Committer {
  readonly committedVersion: number = Number.POSITIVE_INFINITY;
  readonly refusal = null;
  readonly isAbandoned = false;
  readonly isHeld = false;
  readonly #position: () => number;

  constructor(position: () => number) {
    this.#position = position;
  }

  get position(): number {
    return this.#position();
  }

  settle(): void {}
  executed(): void {}
  onCommitted(): void {}
  hold(): void {}
  release(): void {}
  abandon(): void {}
  async drained(): Promise<void> {}

  fateOf(): Fate {
    return 'committed';
  }
}
