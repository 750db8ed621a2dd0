/** The file that a command makes: there as a whole, or not at all. */
import { stat } from 'node:fs/promises';
import { KvError } from '@holdfast/common';
import { AtomicFile, type Disk } from '@holdfast/log';

/** As `AtomicFile.write`. Throws KvError INVALID when it could not get its name in the end, DISK. */
export async function writeDataFile<T>(
  disk: Disk,
  path: string,
  fill: (file: AtomicFile) => Promise<T>,
): Promise<T> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) throw new KvError('INVALID', `${path} is a directory: name a file in it`);
  return AtomicFile.write(disk, path, fill);
}
