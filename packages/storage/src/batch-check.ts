/** Whether batches of mutations decode, without applying them. */
import { createLayouts } from './level/layouts/index.js';
import { MutationSkimmer } from './level/mutation-skimmer.js';
import { MemoryStorage } from './memory-storage.js';

export class BatchCheck {
  readonly #layouts = createLayouts();
  readonly #scratch = new MemoryStorage({ uint32: () => 0, fill: (target) => target }).database(0);
  /** Of the batches so far. */
  lastVersion = 0;

  /** Throws KvError CORRUPT when a record of the batch does not decode. */
  check(batch: Uint8Array): void {
    const skimmer = new MutationSkimmer(batch, this.#layouts, this.#scratch);
    while (skimmer.next()) this.lastVersion = Math.max(this.lastVersion, skimmer.reader.version);
  }
}
