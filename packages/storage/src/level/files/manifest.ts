/**
 * The manifest of a LevelDB: in the format of a log, changes of which tables there are, each a row of numbered parts.
 *
 *     1 name of the order   2 log   3 next file   4 last sequence   5 level, key   6 level, table that is gone
 *     7 level, table, size, first key, last key   9 log before
 */
import { type LogScan, scanLogFile } from './log-file.js';
import type { StoreDirectory } from './store-files.js';
import { damaged, VarintReader } from './varint-reader.js';

const parts = {
  order: 1,
  log: 2,
  next: 3,
  sequence: 4,
  pointer: 5,
  removed: 6,
  added: 7,
  logBefore: 9,
} as const;

export interface Manifest extends LogScan {
  /** Numbers of the tables that the whole records leave. */
  readonly tables: ReadonlySet<number>;
}

/** The name that the database begins with: its next opening makes another manifest, before anything is written. */
export const firstManifest = 'MANIFEST-000001';

/** The name of the manifest, from CURRENT; null when that is missing or names none. */
export async function currentManifest(directory: StoreDirectory): Promise<string | null> {
  if (!(await directory.list()).includes('CURRENT')) return null;
  const file = directory.open('CURRENT');
  const bytes = Buffer.alloc(64);
  const length = await file.read(bytes, 0).finally(() => file.close());
  return /^(MANIFEST-\d+)\n$/.exec(bytes.toString('latin1', 0, length))?.[1] ?? null;
}

/** Throws KvError CORRUPT when a record that is whole means nothing. */
export async function readManifest(directory: StoreDirectory, name: string): Promise<Manifest> {
  const tables = new Set<number>();
  const file = directory.open(name);
  try {
    const scan = await scanLogFile(file, (record) => applyEdit(record, tables));
    return { tables, end: scan.end, bad: scan.bad, isDamaged: scan.isDamaged };
  } finally {
    await file.close();
  }
}

function applyEdit(record: Buffer, tables: Set<number>): void {
  const reader = new VarintReader(record, record.length);
  const removed: number[] = [];
  const added: number[] = [];
  while (reader.at < record.length) {
    const part = reader.next();
    if (part === parts.order) reader.skipText();
    else if (part === parts.pointer) {
      reader.next();
      reader.skipText();
    } else if (part === parts.removed) {
      reader.next();
      removed.push(reader.next());
    } else if (part === parts.added) {
      reader.next();
      added.push(reader.next());
      reader.next();
      reader.skipText();
      reader.skipText();
    } else if (
      part === parts.log ||
      part === parts.next ||
      part === parts.sequence ||
      part === parts.logBefore
    ) {
      reader.next();
    } else throw damaged('', 'a change of the tables has a part that is not known');
  }
  for (const table of removed) tables.delete(table);
  for (const table of added) tables.add(table);
}
