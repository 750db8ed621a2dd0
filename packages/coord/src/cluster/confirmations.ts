/** What several shards are asked, and who goes on when all of them have answered. */
import type { Run, RunOwner } from './run.js';

export class Confirmations {
  /** Those that were asked and have not. */
  missing = 0;
  /** Called when none is missing. */
  waiting: (() => void)[] = [];
}

const nothing = (): void => {};

/** A shard confirms what it was asked; one that can't be asked any more is not waited for. */
export class Confirmation implements RunOwner {
  readonly #all: Confirmations;
  readonly #answered: () => void;

  /** `answered` is called when the shard has said so, before those who wait go on. */
  constructor(all: Confirmations, answered: () => void = nothing) {
    this.#all = all;
    this.#answered = answered;
    all.missing++;
  }

  answered(run: Run): void {
    if (!run.isComplete) return;
    this.#answered();
    this.#confirm();
  }

  failed(): void {
    this.#confirm();
  }

  split(): void {}

  #confirm(): void {
    const all = this.#all;
    if (--all.missing > 0) return;
    const { waiting } = all;
    all.waiting = [];
    for (const each of waiting) each();
  }
}
