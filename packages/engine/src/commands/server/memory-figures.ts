/** Where memory goes, as INFO and MEMORY STATS tell it. `used` is what `maxmemory` limits, and what waits for the disk. */
import { databasesMax } from '@holdfast/common';
import type { Context } from '../../context.js';

export interface MemoryFigures {
  readonly used: number;
  readonly peak: number;
  /** Keys and values themselves. */
  readonly dataset: number;
  /** All but the dataset: indexes, clients, changes on their way to the disk, what the process takes beside. */
  readonly overhead: number;
  readonly clients: number;
  /** Of the process, as far as it is held against the limit. */
  readonly process: number;
  /** Waits for the disk, and is not held against the limit. */
  readonly pending: number;
  readonly keys: number;
}

export function memoryFigures({ host, storage }: Context): MemoryFigures {
  const { clientBytes: clients, peakBytes, processBytes: process } = host.figures();
  const pending = storage.pendingBytes;
  const used = storage.usedBytes + clients + process;
  let keys = 0;
  let index = 0;
  for (let i = 0; i < databasesMax; i++) {
    keys += storage.keyCount(i);
    index += storage.database(i).dict.indexBytes;
  }
  const overhead = index + clients + process + pending;
  return {
    used,
    peak: Math.max(peakBytes, used),
    dataset: Math.max(0, used - overhead),
    overhead,
    clients,
    process,
    pending,
    keys,
  };
}
