/** Writes what a storage holds as an RDB file, and takes the file that a server sends of itself. */
import { KvError } from '@holdfast/common';
import type { AtomicFile } from '@holdfast/log';
import { RdbFileReader, RdbFileWriter, type Storage, systemDatabase } from '@holdfast/storage';
import type { ServerConnection } from './server-connection.js';
import { storedKeys } from './stored-keys.js';

const markBytes = 40;

export interface ExportOptions {
  /** Of RDB. */
  readonly version: number;
  /** Keys that expired before are left out. */
  readonly nowMs: number;
  /** Is told how many keys were written so far. */
  readonly onKeys: (count: number) => void;
}

/** Returns the number of keys. Throws KvError INVALID when a value can't be said in that version. */
export async function exportStorage(
  storage: Storage,
  file: AtomicFile,
  options: ExportOptions,
): Promise<number> {
  const writer = new RdbFileWriter(options.version);
  await file.write(
    writer.head({
      'redis-ver': '7.2.0',
      'redis-bits': '64',
      ctime: String(Math.floor(options.nowMs / 1000)),
    }),
  );
  let count = 0;
  for await (const { database, expiryMs, key, payload, text } of storedKeys(storage)) {
    if (database === systemDatabase) {
      await file.write(writer.library(text));
      continue;
    }
    if (expiryMs !== 0 && expiryMs <= options.nowMs) continue;
    await file.write(writer.key(database, key, payload, expiryMs || null));
    options.onKeys(++count);
  }
  await file.write(writer.end());
  return count;
}

/**
 * The file that a server sends to its replicas, of one moment, checked on its way. Returns the number of keys. Throws
 * KvError UNAVAILABLE, CORRUPT.
 */
export async function exportServer(
  connection: ServerConnection,
  file: AtomicFile,
  onKeys: (count: number) => void,
): Promise<number> {
  const reader = new RdbFileReader();
  let head: { length: number } | null = null;
  let line = Buffer.alloc(0);
  let count = 0;
  for await (const piece of connection.stream(['SYNC'])) {
    let bytes: Buffer = piece;
    if (head === null) {
      line = Buffer.concat([line, bytes]);
      const start = line.findIndex((byte) => byte !== 10 && byte !== 13);
      const end = start < 0 ? -1 : line.indexOf(10, start);
      if (end < 0) continue;
      head = headOf(line.subarray(start, end).toString('latin1').trimEnd());
      bytes = line.subarray(end + 1);
    }
    const part = bytes.subarray(0, Math.min(bytes.length, head.length - file.size));
    reader.push(part);
    for (let item = reader.next(); item !== null; item = reader.next())
      if (item.kind === 'key') onKeys(++count);
    const { rest } = reader;
    await file.write(part.subarray(0, part.length - Math.min(rest.length, part.length)));
    if (!reader.isEnded) continue;
    return count;
  }
  throw new KvError('UNAVAILABLE', 'the server closed the connection before the file had ended');
}

function headOf(line: string): { length: number } {
  if (line.startsWith('$EOF:') && line.length === 5 + markBytes) return { length: Number.POSITIVE_INFINITY };
  const length = Number(line.slice(1));
  if (line.startsWith('$') && Number.isSafeInteger(length)) return { length };
  throw new KvError('INVALID', `the server does not send its data: ${line.replace(/^-/, '')}`);
}
