/** The data of a directory that no server has: opened as a server would, which may bring its log to an end. */
import { type Env, KvError } from '@holdfast/common';
import { type LocalStack, openLocalStack } from '@holdfast/coord';
import { type Disk, readSmallFile } from '@holdfast/log';
import type { StorageKind } from './directory-target.js';

/** `onStep` is called again and again meanwhile: what it throws ends that. Throws KvError INVALID, LOCKED, CORRUPT. */
export async function openDirectory(
  env: Env,
  disk: Disk,
  directory: string,
  onStep: () => void,
): Promise<LocalStack> {
  const format = await readSmallFile(disk, `${directory}/format`);
  const [, storage] =
    /^holdfast \d+ (memory|level)\n$/.exec(Buffer.from(format ?? []).toString('latin1')) ?? [];
  if (storage === undefined) throw new KvError('INVALID', `${directory} is not the directory of a server`);
  const hasLog = (await disk.exists(`${directory}/log`)) || (await disk.exists(`${directory}/chain`));
  const hasHistory = await disk.exists(`${directory}/history`);
  return openLocalStack({
    env,
    disk,
    directory,
    storage: storage as StorageKind,
    log: hasLog ? 'file' : 'none',
    fsync: 'always',
    onRecovering: onStep,
    // What there is of it stays.
    parameters: new Map([['history-bytes', hasHistory ? '1000000gb' : '0']]),
  });
}
