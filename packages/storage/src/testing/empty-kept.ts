/** Damage that no checksum shows: what is kept over an end of keys on the disk knows none of them. See `kept-departed.ts`. */
import { systemEnv } from '@holdfast/common';
import { ClassicStore } from '../level/classic-store.js';
import { seal } from '../level/disk-records.js';
import { partsFrom, partsTo } from '../level/kept-departed.js';
import type { OrderedStore } from '../level/ordered-store.js';

const partsMax = 1000;

/** Returns how many records of it there are. */
export async function emptyKept(store: OrderedStore): Promise<number> {
  const range = store.range(partsFrom, partsTo);
  const entries = await range.next(partsMax).finally(() => range.close());
  const batch = store.batch();
  for (const [key, { length }] of entries) {
    const empty = Buffer.alloc(length);
    seal(key, 0, key.length, empty, 0, length);
    batch.put(key, empty);
  }
  await batch.write();
  return entries.length;
}

/** As `emptyKept`, of the LevelDB in a directory that nobody has open. */
export async function emptyKeptIn(directory: string): Promise<number> {
  const store = await ClassicStore.open(directory, systemEnv());
  return emptyKept(store).finally(() => store.close());
}
