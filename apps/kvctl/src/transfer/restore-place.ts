/**
 * Where a restore puts what it makes, so that a server finds all of it or does not start.
 *
 *     beside    DIR.restoring is built and gets the name DIR; what was there becomes DIR.replaced
 *     within    where something is mounted at an empty DIR, which keeps its name: DIR/restoring is built, what is in it
 *               moves up, and it goes last. While it is there nothing starts: see `checkRestored`
 */
import { rm } from 'node:fs/promises';
import { KvError } from '@holdfast/common';
import { unfinishedName } from '@holdfast/coord';
import { type Disk, isLockName } from '@holdfast/log';
import { notEmpty, putInPlace } from './directory-target.js';

export interface RestorePlace {
  readonly directory: string;
  /** Where it is built. */
  readonly building: string;
  readonly way: 'beside' | 'replacing' | 'within';
}

/** What a restore makes; that which says what the directory is comes last. */
const madeNames = ['level', 'snapshots', 'format'] as const;

/** What a file system has of its own. */
const ownName = 'lost+found';

/** The place for a restore to `path`. Throws KvError INVALID when what is made can't be put there. */
export async function checkPlace(disk: Disk, path: string, replace: boolean): Promise<RestorePlace> {
  const directory = await disk.follow(path);
  if (await disk.isMountPoint(directory)) {
    if (!(await isFree(disk, directory)))
      throw new KvError(
        'INVALID',
        `${path} is not empty, and is the root of a file system, which stays: choose a directory in it`,
      );
    return { directory, building: `${directory}/${unfinishedName}`, way: 'within' };
  }
  const isTaken = (await namesIn(disk, directory)).length > 0;
  if (isTaken && !replace) throw notEmpty(directory);
  // With nothing there it is what a restore that was killed set aside: this one finishes its work.
  if (isTaken && (await disk.exists(`${directory}.replaced`)))
    throw new KvError('INVALID', `${directory}.replaced is there already: move it away`);
  return { directory, building: `${directory}.restoring`, way: isTaken ? 'replacing' : 'beside' };
}

/** Whether there is nothing but what a restore that was killed has left. */
async function isFree(disk: Disk, directory: string): Promise<boolean> {
  const names = await namesIn(disk, directory);
  const left = names.includes(unfinishedName) ? [unfinishedName, ...madeNames] : [];
  return names.every((name) => name === ownName || left.includes(name));
}

/** Without locks of processes that were killed; a living one keeps the directory locked. */
async function namesIn(disk: Disk, directory: string): Promise<string[]> {
  if (!(await disk.exists(directory))) return [];
  return (await disk.list(directory)).filter((name) => !isLockName(name));
}

/** Begins to build: nothing is left of what was not finished before. */
export async function begin(disk: Disk, place: RestorePlace): Promise<void> {
  await abandon(disk, place);
  await disk.makeDirectory(place.building);
}

/** Takes away what was not finished. */
export async function abandon(disk: Disk, { building, directory, way }: RestorePlace): Promise<void> {
  if (way === 'within' && (await disk.exists(building)))
    for (const name of madeNames) await rm(`${directory}/${name}`, { recursive: true, force: true });
  await rm(building, { recursive: true, force: true });
}

/** What was built, and is whole, gets its place. Throws KvError. */
export async function finish(disk: Disk, { building, directory, way }: RestorePlace): Promise<void> {
  if (way === 'within') await moveUp(disk, building, directory);
  else if (way === 'replacing') await replace(disk, building, directory);
  else await putInPlace(disk, building, directory);
}

async function moveUp(disk: Disk, building: string, directory: string): Promise<void> {
  const names = await disk.list(building);
  for (const name of madeNames)
    if (names.includes(name)) disk.rename(`${building}/${name}`, `${directory}/${name}`);
  await disk.syncDirectory(directory);
  await rm(building, { recursive: true });
  await disk.syncDirectory(directory);
}

/** What was there is in DIR.replaced, or still there. Throws KvError. */
async function replace(disk: Disk, building: string, directory: string): Promise<void> {
  const replaced = `${directory}.replaced`;
  disk.rename(directory, replaced);
  try {
    await putInPlace(disk, building, directory);
  } catch (cause) {
    const { code, message } = cause as KvError;
    try {
      disk.rename(replaced, directory);
    } catch {
      throw new KvError(code, `${message}; what was there is in ${replaced}`, { cause });
    }
    throw new KvError(code, `${message}; ${directory} is as it was`, { cause });
  }
}
