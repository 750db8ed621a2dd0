/**
 * Makes long batches shorter for a log in etcd, where each byte is written by three members and counts against a quota of
 * some GiB. Done at once, blocking. Of 1 MiB, level 1 (Node 20; share that is left, ms to deflate, ms to inflate):
 *
 *     keys with values that are all the same     0.22    7    3
 *     keys with values of JSON                   0.35   13    5
 *     random bytes                               1.00   26    -        hence the pause
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
