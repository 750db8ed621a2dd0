/**
 * A snapshot of level storage, while others write:
 *
 *     | keys that are on the disk only ... | keys that are in memory ... |
 *        ^ what leaves memory meanwhile is described as it goes, since its turn may be over, or never come
 */
import type { MemoryStorage } from '../memory-storage.js';
import { MutationWriter } from '../mutation.js';
import { describeColdKeys } from './cold-snapshot.js';
import type { Keyspaces } from './keyspaces.js';
import type { Layout } from './layouts/index.js';
import type { Loader } from './loader.js';
import type { OrderedStore } from './ordered-store.js';
import type { ResidentCache } from './resident-cache.js';
import type { WriteBehind } from './write-behind.js';

export interface LevelSnapshotOptions {
  readonly store: OrderedStore;
  readonly memory: MemoryStorage;
  readonly keyspaces: Keyspaces;
  readonly layouts: readonly Layout[];
  readonly loader: Loader;
  readonly cache: ResidentCache;
  readonly writer: WriteBehind;
}

/** See `Storage.snapshot`. */
export async function* takeSnapshot(options: LevelSnapshotOptions): AsyncGenerator<Uint8Array, void, void> {
  const { cache, keyspaces, layouts, loader, memory, store, writer } = options;
  // What is in memory in part is described from the disk, which has to know what was written to it before.
  if (keyspaces.all().some(({ hasPartial }) => hasPartial)) await writer.flushStaged();
  const { context, swaps } = memory;
  const renamedBefore = context.renamed.length;
  const departed = new MutationWriter(1024);
  context.snapshots++;
  cache.snapshotBegins(departed);
  try {
    // Cold keys first: one that is loaded meanwhile comes again, with those in memory.
    const cold = describeColdKeys(store, keyspaces, loader, layouts);
    for (const part of [cold, memory.snapshotAfter(renamedBefore)]) {
      for await (const batch of part) {
        memory.assertNotSwapped(swaps);
        yield batch;
        if (departed.length === 0) continue;
        memory.assertNotSwapped(swaps);
        yield departed.take();
      }
    }
    if (departed.length === 0) return;
    memory.assertNotSwapped(swaps);
    yield departed.take();
  } finally {
    cache.snapshotEnds(departed);
    memory.endSnapshot();
  }
}
