/**
 * Checks the files of a LevelDB as files: every checksum in them. LevelDB itself looks at those of its tables only
 * when it is asked to, which the binding can't, and passes over what is damaged in its log.
 *
 *     CURRENT         the name of the manifest
 *     MANIFEST-n      which tables there are         in the format of a log
 *     n.log           what is in no table yet        in the format of a log
 *     n.ldb           a table
 *
 * Nothing is changed. Tables that no manifest names any more are checked like the others: they are few, and gone with
 * the next opening.
 */
import type { Findings } from '@holdfast/common';
import { checkLogFile } from './log-file.js';
import { checkTable } from './table-file.js';

/** A file of the directory: all of its content that is asked for, in pieces. */
export interface StoreFile {
  readonly name: string;
  readonly size: number;
  /** Fills `target` from offset `at`; resolves with the number of bytes, fewer only at the end of the file. */
  read(target: Uint8Array, at: number): Promise<number>;
  close(): Promise<void>;
}

export interface StoreDirectory {
  /** Its name in findings. */
  readonly path: string;
  list(): Promise<string[]>;
  open(name: string): StoreFile;
}

export async function checkStoreFiles(directory: StoreDirectory, findings: Findings): Promise<void> {
  const names = (await directory.list()).sort();
  await checkCurrent(directory, names, findings);
  for (const name of names) {
    const check = checkOf(name);
    if (check === null) continue;
    const file = directory.open(name);
    try {
      await check(file, `${directory.path}/${name}`, findings);
    } finally {
      await file.close();
    }
  }
}

function checkOf(name: string): typeof checkTable | null {
  if (/^MANIFEST-\d+$/.test(name) || /^\d+\.log$/.test(name)) return checkLogFile;
  return /^\d+\.(ldb|sst)$/.test(name) ? checkTable : null;
}

async function checkCurrent(
  directory: StoreDirectory,
  names: readonly string[],
  findings: Findings,
): Promise<void> {
  if (!names.includes('CURRENT')) {
    if (names.some((name) => checkOf(name) !== null))
      findings.damage(`${directory.path}/CURRENT`, 'the file is missing: the database does not open');
    return;
  }
  const file = directory.open('CURRENT');
  const bytes = Buffer.alloc(64);
  const length = await file.read(bytes, 0).finally(() => file.close());
  const text = bytes.toString('latin1', 0, length);
  if (!text.endsWith('\n') || !/^MANIFEST-\d+$/.test(text.trimEnd()) || !names.includes(text.trimEnd()))
    findings.damage(`${directory.path}/CURRENT`, 'it names no manifest that is there');
  findings.passed(length);
}
