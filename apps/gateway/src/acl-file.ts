/** The file in which users are kept: read at the start and by ACL LOAD, replaced as a whole by ACL SAVE. */
import { readFileSync } from 'node:fs';
import type { AclFile } from '@holdfast/engine';
import { AtomicFile, type Disk } from '@holdfast/log';

/** Null when the parameter `aclfile` names none. */
export function aclFileAt(disk: Disk, path: string): AclFile | null {
  if (path === '') return null;
  return {
    path,
    read: () => readFileSync(path, 'latin1'),
    write: (text) => AtomicFile.writeSync(disk, path, Buffer.from(text, 'latin1')),
  };
}
