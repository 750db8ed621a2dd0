/** Whether batches of mutations decode, without applying them, and what they are about. */
import { createLayouts } from './level/layouts/index.js';
import { MutationSkimmer } from './level/mutation-skimmer.js';
import { MemoryStorage } from './memory-storage.js';
import { mutationKinds } from './mutation.js';

export class BatchCheck {
  readonly #layouts = createLayouts();
  readonly #scratch = new MemoryStorage({ uint32: () => 0, fill: (target) => target }).database(0);
  /** Of the batches so far. */
  lastVersion = 0;
  /** One of them is about a whole database: it was flushed, or swapped. */
  isWide = false;

  /** Throws KvError CORRUPT when a record of the batch does not decode. */
  check(batch: Uint8Array): void {
    const skimmer = new MutationSkimmer(batch, this.#layouts, this.#scratch);
    while (skimmer.next()) {
      const { kind, version } = skimmer.reader;
      this.lastVersion = Math.max(this.lastVersion, version);
      if (kind === mutationKinds.flushDatabase || kind === mutationKinds.swapDatabases) this.isWide = true;
    }
  }
}
