/** `kvctl backup` and `kvctl restore`: everything a server has, in one file, and a directory from it. */
import { KvError } from '@holdfast/common';
import { decodeSnapshot } from '@holdfast/coord';
import { NodeDisk } from '@holdfast/log';
import { AdminClient } from '@holdfast/rpc';
import { BackupWriter } from '@holdfast/storage';
import { Option } from 'commander';
import type { Commands, Context } from '../context.js';
import { bytesText } from '../output.js';
import { Progress } from '../progress.js';
import { checkBackup, restoreBackup, writePart } from '../transfer/backup.js';
import { DataFile } from '../transfer/data-file.js';
import type { StorageKind } from '../transfer/directory-target.js';
import { openDirectory } from '../transfer/opened-directory.js';

export const addBackup: Commands = (program, action) => {
  program
    .command('backup')
    .description('everything that a server has, as of one moment, in one file; writes go on meanwhile')
    .argument('<places...>', '<file> with --at, or <directory> <file> of a server that is stopped')
    .option('--at <address>', "the server's administration, host:port")
    .action(
      action((context, { at }, places) =>
        backup(context, places as unknown as string[], at === undefined ? null : String(at)),
      ),
    );
  program
    .command('restore')
    .description('makes a directory from a backup, which is checked to its end first')
    .argument('<file>')
    .argument('<directory>', 'the --dir of a server that will be started on it')
    .addOption(
      new Option('--storage <kind>', 'of that server').choices(['memory', 'level']).default('memory'),
    )
    .option('--replace', 'what is there is kept as DIRECTORY.replaced')
    .action(
      action((context, { replace, storage }, file, directory) =>
        restore(context, file, directory, storage as StorageKind, replace === true),
      ),
    );
};

async function backup(context: Context, places: readonly string[], at: string | null): Promise<void> {
  if (places.length !== (at === null ? 2 : 1))
    throw new KvError('INVALID', 'give a directory and a file, or --at host:port and a file');
  const { env, output } = context;
  const path = places[places.length - 1];
  const file = new DataFile(new NodeDisk(), path);
  const progress = new Progress(output, env.clock);
  const writer = new BackupWriter();
  const onBatch = (): void => progress.tell(() => `${bytesText(file.size)} written`);
  let result: { position: number; version: number };
  try {
    await file.write(writer.head({ program: 'holdfast', takenMs: env.clock.now(), of: at ?? places[0] }));
    result =
      at === null
        ? await backUpDirectory(context, places[0], writer, file, onBatch)
        : await backUpServer(context, at, writer, file, onBatch);
    await file.write(writer.end());
  } catch (error) {
    await file.abandon();
    throw error;
  }
  await file.finish();
  const { position, version } = result;
  output.result(
    { file: path, bytes: file.size, position, version },
    `${path}: ${bytesText(file.size)}, as of version ${version}, position ${position} of the log\n`,
  );
}

async function backUpServer(
  { env }: Context,
  address: string,
  writer: BackupWriter,
  file: DataFile,
  onBatch: () => void,
): Promise<{ position: number; version: number }> {
  const client = new AdminClient({ address, env });
  try {
    return await writePart(writer, '', await decodeSnapshot(client.snapshot('')), file, onBatch);
  } finally {
    client.close();
  }
}

async function backUpDirectory(
  { env }: Context,
  directory: string,
  writer: BackupWriter,
  file: DataFile,
  onBatch: () => void,
): Promise<{ position: number; version: number }> {
  const stack = await openDirectory(env, new NodeDisk(), directory);
  try {
    return await writePart(writer, '', await stack.persistence!.backup(), file, onBatch);
  } finally {
    await stack.close();
  }
}

async function restore(
  context: Context,
  path: string,
  directory: string,
  storage: StorageKind,
  replace: boolean,
): Promise<void> {
  const { env, output } = context;
  const disk = new NodeDisk();
  const progress = new Progress(output, env.clock);
  let count = 0;
  const telling = (done: string) => (): void => {
    count++;
    progress.tell(() => `${count} batches ${done}`);
  };
  const { batches, fields, parts } = await checkBackup(disk, path, telling('checked'));
  count = 0;
  await restoreBackup({
    env,
    disk,
    path,
    directory,
    storage,
    replace,
    onBatch: telling(`of ${batches} restored`),
  });
  output.result(
    { file: path, directory, storage, fields, parts, batches },
    `${directory}: ${storage} storage with ${batches} batches of ${path}\n` +
      parts
        .map(
          ({ name, position, version }) => `  ${name || 'all'}: version ${version}, position ${position}\n`,
        )
        .join(''),
  );
}
