/** A file gets another content as a whole: whoever reads it, after a crash too, finds the old one or the new one. */
import { closeSync, fsyncSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A new file is for its owner alone; an old one keeps its permissions. */
export function replaceFile(path: string, text: string, encoding: 'latin1' | 'utf8'): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0o600;
  const temporary = `${path}.tmp-${process.pid}`;
  const file = openSync(temporary, 'w', mode & 0o777);
  try {
    writeSync(file, text, null, encoding);
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
}
