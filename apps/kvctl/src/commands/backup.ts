/** `kvctl backup`: everything that a server or a cluster has, in one file. */
import { decodeSnapshot } from '@holdfast/coord';
import { type AtomicFile, NodeDisk } from '@holdfast/log';
import { BackupWriter } from '@holdfast/storage';
import type { Commands, Context } from '../context.js';
import { UsageError } from '../exit-codes.js';
import { bytesText } from '../output.js';
import { writePart } from '../transfer/backup.js';
import { backUpCluster } from '../transfer/cluster-backup.js';
import { writeDataFile } from '../transfer/data-file.js';
import { openDirectory } from '../transfer/opened-directory.js';

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
};

/** What `backup` says when it is done: for programs, and for people. */
interface Taken {
  readonly value: Readonly<Record<string, unknown>>;
  readonly text: string;
}

async function backup(context: Context, places: readonly string[], at: string | null): Promise<void> {
  if (places.length > (at === null ? 2 : 1))
    throw new UsageError('give a file, a directory and a file, or --at host:port and a file');
  const { env, options, output } = context;
  const path = places[places.length - 1];
  context.interruption.heed();
  const progress = context.progress();
  const writer = new BackupWriter();
  const of = at ?? (places.length === 2 ? places[0] : `cluster ${options.etcdPrefix}`);
  const { bytes, taken } = await writeDataFile(new NodeDisk(), path, async (file) => {
    const onBatch = (): void => progress.tell(() => `${bytesText(file.size)} written`);
    await file.write(writer.head({ program: 'holdfast', takenMs: env.clock.now(), of }));
    let taken: Taken;
    // A node or a server that stands still sends nothing, for as long as it does.
    if (at !== null)
      taken = await context.interruption.race(backUpServer(context, at, writer, file, onBatch));
    else if (places.length === 2) taken = await backUpDirectory(context, places[0], writer, file, onBatch);
    else taken = await backUpAll(context, writer, file, onBatch);
    await file.write(writer.end());
    return { bytes: file.size, taken };
  });
  output.result({ file: path, bytes, ...taken.value }, `${path}: ${bytesText(bytes)}, ${taken.text}\n`);
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
  file: AtomicFile,
  onBatch: () => void,
): Promise<Taken> {
  const { interruption, output } = context;
  const onNote = (text: string): void => output.progress(text);
  const race = <T>(work: Promise<T>): Promise<T> => interruption.race(work);
  const { positions, version } = await context.withCluster((cluster) =>
    backUpCluster({ cluster, writer, file, onBatch, onNote, race }),
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
  file: AtomicFile,
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
  { env, interruption }: Context,
  directory: string,
  writer: BackupWriter,
  file: AtomicFile,
  onBatch: () => void,
): Promise<Taken> {
  const stack = await openDirectory(env, new NodeDisk(), directory, () => interruption.check());
  try {
    const stream = await stack.persistence!.backup();
    return takenOf(await writePart({ writer, name: '', stream, file, onBatch }));
  } finally {
    await stack.close();
  }
}
