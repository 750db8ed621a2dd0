/**
 * What the engines of one process have in common of `maxmemory`: it is for all of them, an equal part for each, and what
 * the process takes beside their data is held against it once.
 *
 * Equal, not as it comes: followers remove nothing by themselves, so a node whose leads had what others leave would pay for
 * what only other nodes can remove. As it is every shard is kept within its part wherever it is led.
 */
import type { KV } from '@holdfast/engine';
import { GarbageWatch } from './garbage-watch.js';

export class MemoryBudget {
  /** Of the heap that they share. */
  readonly garbage = new GarbageWatch();
  readonly #engines = new Set<KV>();

  get parts(): number {
    return this.#engines.size;
  }

  /** What the data of all takes from the system. */
  get dataBytes(): number {
    let bytes = 0;
    for (const { storage } of this.#engines) bytes += storage.usedBytes + storage.freeBytes;
    return bytes;
  }

  join(kv: KV): void {
    this.#engines.add(kv);
    this.#divide();
  }

  leave(kv: KV): void {
    this.#engines.delete(kv);
    this.#divide();
  }

  #divide(): void {
    for (const { eviction } of this.#engines) eviction.divideBy(this.#engines.size);
  }
}
