/**
 * A backup, restored into what is running: a cluster through one of its gateways, or a server. All parts are put together
 * in a directory for the time first, and then each key is written as a client would, with its expiry.
 */
import { rm } from 'node:fs/promises';
import { databasesMax, KvError } from '@holdfast/common';
import { LevelStorage, systemDatabase } from '@holdfast/storage';
import { fillLevel, type RestoreSource } from './backup.js';
import type { ServerConnection } from './server-connection.js';
import { ServerTarget } from './server-target.js';
import { type StoredKey, storedKeys } from './stored-keys.js';

export interface RunningRestoreOptions extends RestoreSource {
  /** Where the parts are put together: of this alone. It is removed at the end, and what a crash left there. */
  readonly scratch: string;
  readonly connection: ServerConnection;
  readonly onKeys: (count: number) => void;
}

/** Returns the number of keys. Throws KvError INVALID when there is data already, or a write is refused; UNAVAILABLE. */
export async function restoreRunning(options: RunningRestoreOptions): Promise<number> {
  const { connection, env, scratch } = options;
  const level = `${scratch}/level`;
  await checkNoData(connection);
  await rm(scratch, { recursive: true, force: true });
  try {
    await options.disk.makeDirectory(scratch);
    await fillLevel(options, level, `${scratch}/parts`);
    // It took a while.
    await checkNoData(connection);
    const storage = await LevelStorage.open({ directory: level, env, cacheBytes });
    try {
      return await send(storage, options);
    } finally {
      await storage.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const cacheBytes = 64 * 1024 * 1024;

async function send(storage: LevelStorage, options: RunningRestoreOptions): Promise<number> {
  const { connection, env, onKeys } = options;
  const target = new ServerTarget(connection);
  const nowMs = env.clock.now();
  let count = 0;
  try {
    for await (const stored of storedKeys(storage)) {
      if (stored.expiryMs !== 0 && stored.expiryMs <= nowMs) continue;
      await target.run(stepOf(stored));
      if (stored.database !== systemDatabase) onKeys(++count);
      storage.letGoSome(looksPerKey);
    }
    await target.finish();
    return count;
  } catch (error) {
    await target.abandon();
    const { code, message } =
      error instanceof KvError ? error : new KvError('INVALID', (error as Error).message);
    throw new KvError(code, `${message}. A part of the backup is there now: FLUSHALL, and restore it again`, {
      cause: error,
    });
  }
}

const looksPerKey = 8;

function stepOf({ database, expiryMs, key, payload, text }: StoredKey) {
  if (database === systemDatabase)
    return { database: -1, args: ['FUNCTION', 'LOAD', 'REPLACE', Buffer.from(text, 'latin1')] };
  return { database, args: ['RESTORE', key, String(expiryMs), payload, 'ABSTTL'] };
}

async function checkNoData(connection: ServerConnection): Promise<void> {
  for (let database = 0; database < databasesMax; database++) {
    await connection.call(['SELECT', String(database)]);
    const count = Number(await connection.call(['DBSIZE']));
    if (count > 0)
      throw new KvError('INVALID', `database ${database} has ${count} keys already: nothing was restored`);
  }
  await connection.call(['SELECT', '0']);
  const libraries = (await connection.call(['FUNCTION', 'LIST'])) as unknown[];
  if (libraries.length > 0)
    throw new KvError('INVALID', 'there are functions already: nothing was restored (FUNCTION FLUSH)');
}
