/** Batches into level storage that nobody else has open, with bounds on what waits for the disk and what is kept in memory. */
import type { LevelStorage } from '@holdfast/storage';

/** What waits for LevelDB, and what is kept of it in memory, while a backup is restored. */
const pendingBytesMax = 64 * 1024 * 1024;
export const cacheBytes: number = 256 * 1024 * 1024;

export async function applyTo(storage: LevelStorage, batch: Uint8Array): Promise<void> {
  await storage.prepareApply(batch);
  storage.apply(batch, 0);
  if (storage.pendingBytes > pendingBytesMax) await storage.flush();
}
