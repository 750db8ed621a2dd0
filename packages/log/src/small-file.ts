/**
 * Small files that are replaced as a whole: a reader finds the old or the new content, never a mixture,
 * also after a crash at any point.
 */
import { AtomicFile } from './atomic-file.js';
import type { Disk } from './disk.js';

/** Replaces the content of `path`; durable when it resolves. */
export function writeSmallFile(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  return AtomicFile.write(disk, path, (file) => file.write(content));
}

/** The content of `path`, owned by the caller; null when there is no such file. */
export async function readSmallFile(disk: Disk, path: string): Promise<Uint8Array | null> {
  if (!(await disk.exists(path))) return null;
  const file = disk.open(path, 'read');
  try {
    const content = new Uint8Array(file.size());
    const length = await file.read(content, 0);
    return content.subarray(0, length);
  } finally {
    await file.close();
  }
}
