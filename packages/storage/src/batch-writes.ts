/** The writes that a batch is made of: each the records of one command, transaction or script, which share a version. */
import { createLayouts } from './level/layouts/index.js';
import { MutationSkimmer } from './level/mutation-skimmer.js';
import { MemoryStorage } from './memory-storage.js';
import { mutationKinds } from './mutation.js';

/** Its records are `batch[start, end)`. */
export interface BatchWrite {
  readonly version: number;
  readonly start: number;
  readonly end: number;
}

export class BatchWrites {
  readonly #layouts = createLayouts();
  readonly #scratch = new MemoryStorage({ uint32: () => 0, fill: (target) => target }).database(0);

  /** In order, without what is said about who writes the log. Throws KvError CORRUPT when a record does not decode. */
  *of(batch: Uint8Array): Generator<BatchWrite, void, void> {
    const skimmer = new MutationSkimmer(batch, this.#layouts, this.#scratch);
    const { reader } = skimmer;
    let start = 0;
    let end = 0;
    let version = 0;
    while (skimmer.next()) {
      const isApart = reader.kind === mutationKinds.leadership;
      if (end > start && (isApart || reader.version !== version)) {
        yield { version, start, end };
        start = end;
      }
      if (isApart) start = reader.at;
      version = reader.version;
      end = reader.at;
    }
    if (end > start) yield { version, start, end };
  }

  /** The version of the last write in a batch; 0 when there is none. */
  lastVersion(batch: Uint8Array): number {
    let last = 0;
    for (const { version } of this.of(batch)) last = version;
    return last;
  }
}

/** The version of a batch's first record, which none of the others is below; 0 when it is empty. */
export function firstVersionOf(batch: Uint8Array): number {
  if (batch.length === 0) return 0;
  return new DataView(batch.buffer, batch.byteOffset, batch.byteLength).getFloat64(2, true);
}
