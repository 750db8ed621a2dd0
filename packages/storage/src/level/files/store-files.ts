/**
 * Checks the files of a LevelDB as files: every checksum in them. LevelDB itself looks at those of its tables only
 * when it is asked to, which the binding can't, and passes over what is damaged in its log.
 *
 *     CURRENT         the name of the manifest
 *     MANIFEST-n      which tables there are         in the format of a log
 *     n.log           what is in no table yet        in the format of a log
 *     n.ldb           a table
 *
 * Nothing is changed. What the next opening removes is not looked at: tables that the manifest does not name, and other
 * manifests, which a power cut may have left in any state.
 */
import { type Findings, KvError } from '@holdfast/common';
import { checkLogFile } from './log-file.js';
import { currentManifest, firstManifest, readManifest } from './manifest.js';
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
  if (!names.some((name) => /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb|sst))$/.test(name))) return;
  const current = await currentManifest(directory);
  if (current === null || !names.includes(current)) {
    const place = `${directory.path}/CURRENT`;
    if (names.includes('CURRENT')) findings.damage(place, 'it names no manifest that is there');
    else if (names.some((name) => /^\d+\.(log|ldb|sst)$/.test(name)))
      findings.damage(place, 'the file is missing: the database does not open');
  }
  if (current === firstManifest) {
    findings.note(directory.path, 'it was being made when the machine stopped, and is begun anew');
    return;
  }
  const tables = current === null ? null : await tablesOf(directory, names, current, findings);
  for (const name of names) {
    const check = checkOf(name, tables);
    if (check === null) continue;
    const file = directory.open(name);
    try {
      await check(file, `${directory.path}/${name}`, findings);
    } finally {
      await file.close();
    }
  }
}

/** Null when it is not known which there are: then all are looked at. */
async function tablesOf(
  directory: StoreDirectory,
  names: readonly string[],
  current: string,
  findings: Findings,
): Promise<ReadonlySet<number> | null> {
  if (!names.includes(current)) return null;
  const place = `${directory.path}/${current}`;
  try {
    const { bad, isDamaged, tables } = await readManifest(directory, current);
    if (isDamaged) findings.damage(`${place}, offset ${bad}`, 'a record is damaged, and others follow');
    else if (bad >= 0)
      findings.note(`${place}, offset ${bad}`, 'its last record was not written to the end, and is cut');
    return isDamaged ? null : tables;
  } catch (error) {
    if (!(error instanceof KvError) || error.code !== 'CORRUPT') throw error;
    findings.damage(place, error.message);
    return null;
  }
}

function checkOf(name: string, tables: ReadonlySet<number> | null): typeof checkTable | null {
  if (/^\d+\.log$/.test(name)) return checkLogFile;
  const table = /^(\d+)\.(ldb|sst)$/.exec(name);
  return table !== null && (tables === null || tables.has(Number(table[1]))) ? checkTable : null;
}
