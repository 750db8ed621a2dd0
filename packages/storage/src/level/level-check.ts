/** Checks the directory of a LevelStorage that nobody has open: first its files, then, when those are whole, the records. */
import { type Findings, KvError, systemEnv } from '@holdfast/common';
import { ClassicStore } from './classic-store.js';
import { checkStoreFiles, type StoreDirectory } from './files/store-files.js';
import { checkRoom } from './room.js';
import { checkStore, type StoreSummary } from './store-check.js';

/**
 * Null when its records were not read, which is a finding. Files that are damaged are not opened, so that nothing in
 * them changes; others are opened as at every start, which may move what is in LevelDB's log into tables.
 */
export async function checkLevel(
  directory: StoreDirectory,
  findings: Findings,
): Promise<StoreSummary | null> {
  let isDamaged = false;
  await checkStoreFiles(directory, {
    damage(place, what) {
      isDamaged = true;
      findings.damage(place, what);
    },
    note: (place, what) => findings.note(place, what),
    passed: (bytes) => findings.passed(bytes),
  });
  if (isDamaged) {
    findings.note(directory.path, 'its records were not read: its files are damaged');
    return null;
  }
  let store: ClassicStore;
  try {
    store = await ClassicStore.open(directory.path, systemEnv());
  } catch (error) {
    if (!(error instanceof KvError) || error.code === 'LOCKED') throw error;
    // Where there is no room for what opening writes, nothing can be said, and nothing is damaged.
    if (error.code === 'DISK') await checkRoom(directory.path);
    findings.damage(directory.path, error.message);
    return null;
  }
  try {
    return await checkStore(store, directory.path, findings);
  } catch (error) {
    if (!(error instanceof KvError) || error.code !== 'CORRUPT') throw error;
    findings.damage(directory.path, error.message);
    return null;
  } finally {
    await store.close();
  }
}
