/**
 * What a power cut may leave of files that LevelDB was writing, and LevelDB does not open: it is put right.
 *
 *     CURRENT names the first manifest      the database was being made, by an opening that would have gone on to the second
 *                                           one before it took anything: nothing was ever in it, and it is begun anew
 *     the manifest's last record is bad     a change of the tables that was not synced: so nothing was done that rests on
 *                                           it, and no file of before is gone. It is cut off
 */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '@holdfast/common';
import { currentManifest, firstManifest, readManifest } from './files/manifest.js';
import type { StoreDirectory, StoreFile } from './files/store-files.js';

/** Throws KvError CORRUPT where LevelDB would begin a new database, and remove what is there. */
export async function refuseRemains(path: string): Promise<void> {
  const names: string[] = await readdir(path).catch(() => []);
  if (names.includes('CURRENT') || !names.some((name) => /^\d+\.(log|ldb|sst)$/.test(name))) return;
  throw new KvError('CORRUPT', `${path} is damaged: CURRENT is missing. Restore it from a backup.`);
}

/** For a database that can't be opened and that nobody has open. Returns whether something was done about it. */
export async function mend(path: string): Promise<boolean> {
  const directory = folderAt(path);
  const current = await currentManifest(directory);
  if (current === null) return false;
  if (current === firstManifest) {
    removeUnmade(path, await directory.list());
    return true;
  }
  if (!(await directory.list()).includes(current)) return false;
  const { bad, end, isDamaged } = await readManifest(directory, current);
  if (bad < 0 || isDamaged) return false;
  cut(join(path, current), end);
  return true;
}

/** CURRENT goes last: as long as it is there this can be done again. */
function removeUnmade(path: string, names: readonly string[]): void {
  for (const name of names) if (/^(MANIFEST-\d+|\d+\.(log|dbtmp))$/.test(name)) rmSync(join(path, name));
  rmSync(join(path, 'CURRENT'));
}

function cut(path: string, size: number): void {
  const descriptor = openSync(path, 'r+');
  try {
    ftruncateSync(descriptor, size);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function folderAt(path: string): StoreDirectory {
  return { path, list: () => readdir(path), open: (name) => fileAt(path, name) };
}

function fileAt(path: string, name: string): StoreFile {
  const descriptor = openSync(join(path, name), 'r');
  return {
    name,
    size: fstatSync(descriptor).size,
    read: async (target, at) => readSync(descriptor, target, 0, target.length, at),
    close: async () => closeSync(descriptor),
  };
}
