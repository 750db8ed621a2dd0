/** What of a batch was written up to a version: the records above it are left out, and who wrote the log. */
import { createLayouts } from './level/layouts/index.js';
import { MutationSkimmer } from './level/mutation-skimmer.js';
import { MemoryStorage } from './memory-storage.js';
import { MutationWriter, mutationKinds } from './mutation.js';

export class BatchCut {
  readonly #version: number;
  readonly #layouts = createLayouts();
  readonly #scratch = new MemoryStorage({ uint32: () => 0, fill: (target) => target }).database(0);
  readonly #writer = new MutationWriter();

  constructor(version: number) {
    this.#version = version;
  }

  /** Empty when nothing is left. Throws KvError CORRUPT when a record of the batch does not decode. */
  cut(batch: Uint8Array): Uint8Array {
    const skimmer = new MutationSkimmer(batch, this.#layouts, this.#scratch);
    const { reader } = skimmer;
    this.#writer.clear();
    for (let start = 0; skimmer.next(); start = reader.at) {
      if (reader.kind === mutationKinds.leadership || reader.version > this.#version) continue;
      this.#writer.copy(batch, start, reader.at);
    }
    return Uint8Array.prototype.slice.call(this.#writer.bytes, 0, this.#writer.length);
  }
}
