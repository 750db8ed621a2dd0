/** `kvctl backup` and `kvctl restore`: everything that a server or a cluster has, in one file, and back from it. */
import { basename, dirname, join } from 'node:path';
import { KvError } from '@holdfast/common';
import { decodeSnapshot } from '@holdfast/coord';
import { NodeDisk } from '@holdfast/log';
import type { AdminClient } from '@holdfast/rpc';
import { BackupWriter } from '@holdfast/storage';
import { Option } from 'commander';
import type { Commands, Context } from '../context.js';
import { bytesText } from '../output.js';
import { Progress } from '../progress.js';
import { versionAsOf } from '../transfer/as-of.js';
import {
  type BackupSummary,
  checkBackup,
  type RestorePoint,
  restoreBackup,
  writePart,
} from '../transfer/backup.js';
import { backUpCluster } from '../transfer/cluster-backup.js';
import { DataFile } from '../transfer/data-file.js';
import type { StorageKind } from '../transfer/directory-target.js';
import { openHistory } from '../transfer/history-source.js';
import { openDirectory } from '../transfer/opened-directory.js';
import { restoreRunning } from '../transfer/restore-running.js';
import { parseAddress, ServerConnection } from '../transfer/server-connection.js';
import { passwordOption, userOption } from './server-options.js';

interface RestoreOptions {
  readonly storage: StorageKind;
  readonly replace?: boolean;
  readonly to?: string;
  readonly scratch?: string;
  readonly asOf?: string;
  readonly history?: string;
  readonly user: string;
  readonly password: string;
}

export const addBackup: Commands = (program, action) => {
  program
    .command('backup')
    .description(
      'everything that a cluster or a server has, as of one moment, in one file; writes go on meanwhile',
    )
    .argument(
      '<places...>',
      '<file>, of the cluster or with --at; or <directory> <file>, of a server that is stopped',
    )
    .option(
      '--at <address>',
      'of one server: its administration, host:port; without it, of the cluster of --etcd',
    )
    .action(
      action((context, { at }, places) =>
        backup(context, places as unknown as string[], at === undefined ? null : String(at)),
      ),
    );
  program
    .command('restore')
    .description(
      'makes a directory from a backup, which is checked to its end first, or fills a cluster that is empty',
    )
    .argument('<file>')
    .argument('[directory]', 'the --dir of a server that will be started on it')
    .addOption(
      new Option('--storage <kind>', 'of that server').choices(['memory', 'level']).default('memory'),
    )
    .option('--replace', 'what is there is kept as DIRECTORY.replaced')
    .option(
      '--to <address>',
      'instead of a directory: a gateway of a cluster, or a server, that has no data yet',
    )
    .option(
      '--scratch <directory>',
      'with --to: where the backup is unpacked for the time; beside it if not given',
    )
    .option(
      '--as-of <moment>',
      'a version, or a time such as 2026-11-26T15:00:00Z: exactly what was written up to it, of one server',
    )
    .option(
      '--history <place>',
      'with --as-of: where what was written behind the backup is, the administration of the server, or its directory',
    )
    .addOption(userOption)
    .addOption(passwordOption)
    .action(
      action((context, options, file, directory?: string) =>
        restore(context, options as unknown as RestoreOptions, file, directory),
      ),
    );
};

/** What `backup` says when it is done: for programs, and for people. */
interface Taken {
  readonly value: Readonly<Record<string, unknown>>;
  readonly text: string;
}

async function backup(context: Context, places: readonly string[], at: string | null): Promise<void> {
  if (places.length > (at === null ? 2 : 1))
    throw new KvError('INVALID', 'give a file, a directory and a file, or --at host:port and a file');
  const { env, options, output } = context;
  const path = places[places.length - 1];
  const file = new DataFile(new NodeDisk(), path);
  const progress = new Progress(output, env.clock);
  const writer = new BackupWriter();
  const onBatch = (): void => progress.tell(() => `${bytesText(file.size)} written`);
  const of = at ?? (places.length === 2 ? places[0] : `cluster ${options.etcdPrefix}`);
  let taken: Taken;
  try {
    await file.write(writer.head({ program: 'holdfast', takenMs: env.clock.now(), of }));
    if (at !== null) taken = await backUpServer(context, at, writer, file, onBatch);
    else if (places.length === 2) taken = await backUpDirectory(context, places[0], writer, file, onBatch);
    else taken = await backUpAll(context, writer, file, onBatch);
    await file.write(writer.end());
  } catch (error) {
    await file.abandon();
    throw error;
  }
  await file.finish();
  output.result(
    { file: path, bytes: file.size, ...taken.value },
    `${path}: ${bytesText(file.size)}, ${taken.text}\n`,
  );
}

function takenOf({ position, version }: { readonly position: number; readonly version: number }): Taken {
  return {
    value: { position, version },
    text: `as of version ${version}, position ${position} of the log`,
  };
}

async function backUpAll(
  context: Context,
  writer: BackupWriter,
  file: DataFile,
  onBatch: () => void,
): Promise<Taken> {
  const onNote = (text: string): void => context.output.progress(text);
  const { positions, version } = await context.withCluster((cluster) =>
    backUpCluster({ cluster, writer, file, onBatch, onNote }),
  );
  const count = Object.keys(positions).length;
  return {
    value: { version, positions },
    text: `${count} ${count === 1 ? 'shard' : 'shards'} as of version ${version}`,
  };
}

async function backUpServer(
  context: Context,
  address: string,
  writer: BackupWriter,
  file: DataFile,
  onBatch: () => void,
): Promise<Taken> {
  const client = context.admin(address);
  try {
    const stream = await decodeSnapshot(client.snapshot(''));
    return takenOf(await writePart({ writer, name: '', stream, file, onBatch }));
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
): Promise<Taken> {
  const stack = await openDirectory(env, new NodeDisk(), directory);
  try {
    const stream = await stack.persistence!.backup();
    return takenOf(await writePart({ writer, name: '', stream, file, onBatch }));
  } finally {
    await stack.close();
  }
}

async function restore(
  context: Context,
  options: RestoreOptions,
  path: string,
  directory?: string,
): Promise<void> {
  const { replace, to } = options;
  if ((directory === undefined) === (to === undefined))
    throw new KvError('INVALID', 'where to? Give a directory, or --to host:port');
  if (to !== undefined && replace === true)
    throw new KvError('INVALID', '--to fills only what has no data yet: --replace is for a directory');
  const { env, output } = context;
  const asOf = options.asOf === undefined ? null : versionAsOf(options.asOf, env.clock);
  if (asOf === null && options.history !== undefined)
    throw new KvError('INVALID', 'up to when? --history needs --as-of');
  const disk = new NodeDisk();
  const progress = new Progress(output, env.clock);
  let count = 0;
  const telling = (done: string) => (): void => {
    count++;
    progress.tell(() => `${count} batches ${done}`);
  };
  const summary = await checkBackup(disk, path, telling('checked'));
  const point = asOf === null ? null : await pointOf(context, disk, summary, asOf, options.history);
  count = 0;
  try {
    const onBatch = telling('unpacked');
    const where = { disk, path, point, onBatch, version: asOf };
    if (directory === undefined) await fillRunning(context, options, where, summary);
    else await fillDirectory(context, options, directory, where, summary);
  } finally {
    await point?.history?.close();
  }
}

/** What is restored, and from where. */
interface Unpacking {
  readonly disk: NodeDisk;
  readonly path: string;
  readonly point: RestorePoint | null;
  readonly onBatch: () => void;
  readonly version: number | null;
}

/** Throws KvError INVALID when the backup can't be gone on from to this version. */
async function pointOf(
  context: Context,
  disk: NodeDisk,
  { parts }: BackupSummary,
  version: number,
  place: string | undefined,
): Promise<RestorePoint> {
  const [part] = parts;
  if (parts.length !== 1 || part.name !== '')
    throw new KvError(
      'INVALID',
      'the backup is of a cluster, which keeps no history: it is as of its own version',
    );
  const after = part.version;
  if (after > version)
    throw new KvError(
      'INVALID',
      `the backup is as of version ${after}, later than ${version}: take an older one`,
    );
  if (after === version) return { after, version, history: null };
  if (place === undefined)
    throw new KvError('INVALID', `the backup is as of version ${after}: --history says where the rest is`);
  const { env } = context;
  const admin = (address: string): AdminClient => context.admin(address);
  return { after, version, history: await openHistory({ env, disk, place, admin }) };
}

async function fillRunning(
  context: Context,
  { password, scratch, to, user }: RestoreOptions,
  { disk, onBatch, path, point, version }: Unpacking,
  summary: BackupSummary,
): Promise<void> {
  const { env, output } = context;
  const progress = new Progress(output, env.clock);
  const connection = await ServerConnection.open(parseAddress(to!), user, password);
  const place = join(scratch ?? dirname(path), `${basename(path)}.restoring`);
  const onKeys = (keys: number): void => progress.tell(() => `${keys} keys restored`);
  const filling = restoreRunning({ env, disk, path, scratch: place, connection, point, onBatch, onKeys });
  const keys = await filling.finally(() => connection.close());
  restored(context, path, { to: to!, keys }, `${to}: ${keys} keys`, summary, version);
}

async function fillDirectory(
  context: Context,
  { replace, storage }: RestoreOptions,
  directory: string,
  { disk, onBatch, path, point, version }: Unpacking,
  summary: BackupSummary,
): Promise<void> {
  const { env } = context;
  await restoreBackup({ env, disk, path, directory, storage, replace: replace === true, point, onBatch });
  restored(context, path, { directory, storage }, `${directory}: ${storage} storage`, summary, version);
}

function restored(
  { output }: Context,
  path: string,
  where: Readonly<Record<string, unknown>>,
  text: string,
  { batches, fields, parts }: BackupSummary,
  version: number | null,
): void {
  output.result(
    { file: path, ...where, fields, parts, batches, ...(version !== null && { version }) },
    `${text}, from ${batches} batches of ${path}${version === null ? '' : `, as of version ${version}`}\n` +
      parts
        .map(
          ({ name, position, version }) => `  ${name || 'all'}: version ${version}, position ${position}\n`,
        )
        .join(''),
  );
}
