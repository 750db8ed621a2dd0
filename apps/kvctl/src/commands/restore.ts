/** `kvctl restore`: a backup, and what was written behind it up to a moment, into a directory or what runs. */
import { basename, dirname, join } from 'node:path';
import { KvError } from '@holdfast/common';
import { type Disk, NodeDisk } from '@holdfast/log';
import type { AdminClient } from '@holdfast/rpc';
import { Option } from 'commander';
import type { Commands, Context } from '../context.js';
import { UsageError } from '../exit-codes.js';
import { bytesText } from '../output.js';
import { versionAsOf } from '../transfer/as-of.js';
import { type BackupSummary, checkBackup, type RestorePoint, restoreBackup } from '../transfer/backup.js';
import { ClusterHistory } from '../transfer/cluster-history.js';
import type { StorageKind } from '../transfer/directory-target.js';
import { type HistorySource, openHistory } from '../transfer/history-source.js';
import { checkPlace } from '../transfer/restore-place.js';
import { restoreRunning } from '../transfer/restore-running.js';
import { checkWhereTo, passwordOption, userOption } from './server-options.js';

/** Where the history of a cluster is: what `--history` says for it. */
const clusterPlace = 'cluster';

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

export const addRestore: Commands = (program, action) => {
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
      'a version, or a time such as 2026-11-26T15:00:00Z: exactly what was written up to it',
    )
    .option(
      '--history <place>',
      "with --as-of: where what was written behind the backup is, a server's administration or directory, or 'cluster', that of --etcd",
    )
    .addOption(userOption)
    .addOption(passwordOption)
    .action(
      action((context, options, file, directory?: string) =>
        restore(context, options as unknown as RestoreOptions, file, directory),
      ),
    );
};

async function restore(
  context: Context,
  options: RestoreOptions,
  path: string,
  directory?: string,
): Promise<void> {
  const { replace, to } = options;
  checkWhereTo(directory, to);
  if (to !== undefined && replace === true)
    throw new UsageError('--to fills only what has no data yet: --replace is for a directory');
  const { env, interruption } = context;
  const asOf = options.asOf === undefined ? null : versionAsOf(options.asOf, env.clock);
  if (asOf === null && options.history !== undefined)
    throw new UsageError('up to when? --history needs --as-of');
  interruption.heed();
  const disk = new NodeDisk();
  const progress = context.progress();
  let count = 0;
  const telling = (done: string) => (): void => {
    count++;
    progress.tell(() => `${count} batches ${done}`);
  };
  // A backup takes its time to be read.
  if (directory !== undefined) await checkPlace(disk, directory, replace === true);
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
  disk: Disk,
  { parts }: BackupSummary,
  version: number,
  place: string | undefined,
): Promise<RestorePoint> {
  const after = Math.max(...parts.map((part) => part.version));
  if (after > version)
    throw new KvError(
      'INVALID',
      `the backup is as of version ${after}, later than ${version}: take an older one`,
    );
  if (after === version) return { after, version, history: null };
  if (place === undefined)
    throw new KvError('INVALID', `the backup is as of version ${after}: --history says where the rest is`);
  const isOfCluster = parts.some(({ name }) => name !== '');
  if (isOfCluster !== (place === clusterPlace))
    throw new KvError(
      'INVALID',
      isOfCluster
        ? `the backup is of a cluster: --history ${clusterPlace} goes on with that of --etcd`
        : 'the backup is of a server: --history takes its administration, or its directory',
    );
  const history = await historyAt(context, disk, place);
  const { interruption } = context;
  const batches: HistorySource['batches'] = (...given) => interruption.over(history.batches(...given));
  return { after, version, history: { batches, close: () => history.close() } };
}

async function historyAt(context: Context, disk: Disk, place: string): Promise<HistorySource> {
  if (place === clusterPlace) return new ClusterHistory(await context.openCluster());
  const admin = (address: string): AdminClient => context.admin(address);
  const onStep = (): void => context.interruption.check();
  return openHistory({ env: context.env, disk, place, admin, onStep });
}

async function fillRunning(
  context: Context,
  { password, scratch, to, user }: RestoreOptions,
  { disk, onBatch, path, point, version }: Unpacking,
  summary: BackupSummary,
): Promise<void> {
  const { env } = context;
  const progress = context.progress();
  const connection = await context.connect(to!, user, password);
  const place = join(scratch ?? dirname(path), `${basename(path)}.restoring`);
  const onKeys = (keys: number): void => progress.tell(() => `${keys} keys restored`);
  const from = { env, disk, path, summary, point, onBatch };
  const filling = restoreRunning({ ...from, scratch: place, connection, onKeys });
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
  const progress = context.progress();
  let bytes = 0;
  const onChecked = (more: number): void => {
    bytes += more;
    progress.tell(() => `${bytesText(bytes)} looked at again`);
  };
  const from = { env, disk, path, summary, point, onBatch, onChecked };
  await restoreBackup({ ...from, directory, storage, replace: replace === true });
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
