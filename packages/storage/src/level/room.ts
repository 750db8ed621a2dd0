/**
 * Whether a store can be opened: what is in LevelDB's logs is written to tables first, and a log and a manifest are begun.
 * On a full disk that fails, and a store that was closed for it can't be read any more.
 */
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '@holdfast/common';

/** For what is begun anew, beside what is copied. */
const beginningsBytes = 1024 * 1024;

/** Throws KvError DISK. */
export async function checkRoom(directory: string): Promise<void> {
  const [wanted, free] = [await openingBytes(directory), await freeBytes(directory)];
  if (free >= wanted) return;
  throw new KvError(
    'DISK',
    `${directory}: no space left on device: ${wanted} bytes are needed to go on, and ${free} are free`,
  );
}

async function openingBytes(directory: string): Promise<number> {
  let bytes = beginningsBytes;
  for (const name of await readdir(directory)) {
    if (!/^(\d+\.log|MANIFEST-\d+)$/.test(name)) continue;
    // One that is gone meanwhile was of no use any more.
    const size = await stat(join(directory, name)).then(
      (file) => file.size,
      () => 0,
    );
    bytes += size;
  }
  return bytes;
}

/** Some file systems keep a part for the superuser. */
async function freeBytes(directory: string): Promise<number> {
  const { bavail, bfree, blocks, bsize } = await statfs(directory);
  // Not every one says.
  if (blocks === 0) return Number.POSITIVE_INFINITY;
  return (process.getuid?.() === 0 ? bfree : bavail) * bsize;
}
