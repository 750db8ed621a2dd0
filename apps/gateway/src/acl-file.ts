/** The file in which users are kept: read at the start and by ACL LOAD, replaced as a whole by ACL SAVE. */
import { readFileSync } from 'node:fs';
import type { AclFile } from '@holdfast/engine';
import { replaceFile } from './replace-file.js';

/** Null when the parameter `aclfile` names none. */
export function aclFileAt(path: string): AclFile | null {
  if (path === '') return null;
  return {
    path,
    read: () => readFileSync(path, 'latin1'),
    write: (text) => replaceFile(path, text, 'latin1'),
  };
}
