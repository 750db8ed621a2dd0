/** `kvctl export`: all data as an RDB file, which Redis and what reads its files take. */
import { type AtomicFile, NodeDisk } from '@holdfast/log';
import { rdbVersions } from '@holdfast/storage';
import { Option } from 'commander';
import type { Commands, Context } from '../context.js';
import { UsageError } from '../exit-codes.js';
import { bytesText } from '../output.js';
import { writeDataFile } from '../transfer/data-file.js';
import { openDirectory } from '../transfer/opened-directory.js';
import { exportServer, exportStorage } from '../transfer/rdb-export.js';
import { passwordOption, userOption } from './server-options.js';

interface Options {
  readonly from?: string;
  readonly for: '7.0' | '7.4';
  readonly user: string;
  readonly password: string;
}

export const addExport: Commands = (program, action) => {
  program
    .command('export')
    .description('all data as an RDB file: of a directory that no server has open, or of a running server')
    .argument('<places...>', '<directory> <file>, or with --from <file> alone')
    .option(
      '--from <address>',
      'a server that is running and takes replicas, host:port, instead of a directory',
    )
    .addOption(
      new Option('--for <release>', 'of Redis that reads it; 7.4 has expiries of fields')
        .choices(['7.0', '7.4'])
        .default('7.0'),
    )
    .addOption(userOption)
    .addOption(passwordOption)
    .action(
      action((context, options, places) =>
        exportData(context, options as unknown as Options, places as unknown as string[]),
      ),
    );
};

async function exportData(context: Context, options: Options, places: readonly string[]): Promise<void> {
  if (places.length !== (options.from === undefined ? 2 : 1))
    throw new UsageError('give a directory and a file, or --from host:port and a file');
  const path = places[places.length - 1];
  context.interruption.heed();
  const progress = context.progress();
  const { bytes, keys } = await writeDataFile(new NodeDisk(), path, async (file) => {
    const onKeys = (count: number): void =>
      progress.tell(() => `${count} keys exported, ${bytesText(file.size)}`);
    const keys =
      options.from === undefined
        ? await exportDirectory(context, places[0], file, options, onKeys)
        : await exportFrom(context, options.from, file, options, onKeys);
    return { bytes: file.size, keys };
  });
  context.output.result({ file: path, keys, bytes }, `${path}: ${keys} keys, ${bytesText(bytes)}\n`);
}

async function exportDirectory(
  { env, interruption }: Context,
  directory: string,
  file: AtomicFile,
  options: Options,
  onKeys: (count: number) => void,
): Promise<number> {
  const stack = await openDirectory(env, new NodeDisk(), directory, () => interruption.check());
  try {
    const version = options.for === '7.4' ? rdbVersions.redis74 : rdbVersions.redis70;
    return await exportStorage(stack.storage, file, { version, nowMs: env.clock.now(), onKeys });
  } finally {
    await stack.close();
  }
}

async function exportFrom(
  context: Context,
  address: string,
  file: AtomicFile,
  { password, user }: Options,
  onKeys: (count: number) => void,
): Promise<number> {
  const connection = await context.connect(address, user, password);
  try {
    return await context.interruption.race(exportServer(connection, file, onKeys));
  } finally {
    connection.close();
  }
}
