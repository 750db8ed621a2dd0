/**
 * Makes long batches shorter for a log in etcd, where each byte is written by three members, twice, and counts against
 * a quota of some GiB: an eighth of their bytes for values like those of redis-benchmark, a third for JSON. Done at once,
 * blocking: some 10 ms for a batch of 1 MiB, and a third of that to undo it.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { deflatedBatchBytesMin, deflatePauseBatches, deflateShareMax } from './limits.js';

export class BatchDeflater {
  /** Batches that are not tried: those before them could not be made shorter. */
  #skipped = 0;

  /** The deflated form; null when it is not worth it. */
  deflate(batch: Uint8Array): Buffer | null {
    if (batch.length < deflatedBatchBytesMin) return null;
    if (this.#skipped > 0) {
      this.#skipped--;
      return null;
    }
    const deflated = deflateRawSync(batch, { level: 1 });
    if (deflated.length <= batch.length * deflateShareMax) return deflated;
    this.#skipped = deflatePauseBatches;
    return null;
  }
}

/** What was deflated to `bytes`, of which it is known how long it was; null when they are damaged. */
export function inflate(bytes: Uint8Array, length: number): Buffer | null {
  try {
    const batch = inflateRawSync(bytes, { maxOutputLength: length });
    return batch.length === length ? batch : null;
  } catch {
    return null;
  }
}
