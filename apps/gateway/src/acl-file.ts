/** The file in which users are kept: read at the start and by ACL LOAD, replaced as a whole by ACL SAVE. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AclFile } from '@holdfast/engine';

/** Null when the parameter `aclfile` names none. */
export function aclFileAt(path: string): AclFile | null {
  if (path === '') return null;
  return {
    path,
    read: () => readFileSync(path, 'latin1'),
    write(text) {
      const temporary = `${path}.tmp-${process.pid}`;
      const file = openSync(temporary, 'w', 0o600);
      try {
        writeSync(file, text, null, 'latin1');
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
      const directory = openSync(dirname(path), 'r');
      try {
        fsyncSync(directory);
      } finally {
        closeSync(directory);
      }
    },
  };
}
