/** `kvctl import`: the data of an RDB file or of Redis' append-only log, into a new directory or a server. */
import { stat } from 'node:fs/promises';
import { KvError } from '@holdfast/common';
import { NodeDisk } from '@holdfast/log';
import { Option } from 'commander';
import type { Commands, Context } from '../context.js';
import { Interrupted } from '../interruption.js';
import { bytesText } from '../output.js';
import { DirectoryTarget, type StorageKind } from '../transfer/directory-target.js';
import { ServerTarget } from '../transfer/server-target.js';
import type { Step } from '../transfer/step.js';
import { type StepsOptions, stepsOf } from '../transfer/steps.js';
import type { Target } from '../transfer/target.js';
import { checkWhereTo, passwordOption, userOption } from './server-options.js';

interface Options {
  readonly storage: StorageKind;
  readonly to?: string;
  readonly replace?: boolean;
  readonly user: string;
  readonly password: string;
}

export const addImport: Commands = (program, action) => {
  program
    .command('import')
    .description(
      "the data of an RDB file, or of Redis' append-only log, into a new directory or a running server",
    )
    .argument('<source>', 'an RDB file, an append-only file, or an appendonlydir')
    .argument('[directory]', 'the --dir of a server that will be started on it')
    .addOption(
      new Option('--storage <kind>', 'of that server').choices(['memory', 'level']).default('memory'),
    )
    .option('--to <address>', 'a server that is running, host:port, instead of a directory')
    .option('--replace', 'keys that the server has already are replaced; otherwise the first of them ends it')
    .addOption(userOption)
    .addOption(passwordOption)
    .action(
      action((context, options, source, directory?: string) =>
        importData(context, options as unknown as Options, source, directory),
      ),
    );
};

async function importData(
  context: Context,
  options: Options,
  source: string,
  directory?: string,
): Promise<void> {
  checkWhereTo(directory, options.to);
  context.interruption.heed();
  const notes = new Set<string>();
  // Read as a whole before anything is written: what can't be read is known then.
  await read(
    context,
    source,
    'checked',
    (note) => notes.add(note),
    async () => {},
  );
  const target = await targetOf(context, options, directory);
  let count = 0;
  try {
    await read(
      context,
      source,
      'imported',
      () => {},
      async (step) => {
        count++;
        await target.run(options.replace === true ? replacing(step) : step);
      },
    );
    await target.finish();
  } catch (error) {
    await target.abandon();
    if (directory !== undefined || !(error instanceof Interrupted)) throw error;
    throw new KvError(error.code, `${error.message}; up to ${count} commands were done before`);
  }
  const to = directory ?? options.to!;
  context.output.result(
    { source, to, commands: count, notes: [...notes] },
    [
      `${source}: ${count} keys or commands, now in ${to}`,
      ...[...notes].map((note) => `note     ${note}`),
      '',
    ].join('\n'),
  );
}

async function targetOf(context: Context, options: Options, directory?: string): Promise<Target> {
  const { password, storage, to, user } = options;
  const { env, interruption } = context;
  const onWhole = (): void => interruption.check();
  if (directory !== undefined)
    return DirectoryTarget.open({ env, disk: new NodeDisk(), path: directory, storage, onWhole });
  return new ServerTarget(await context.connect(to!, user, password));
}

async function read(
  context: Context,
  path: string,
  done: string,
  onNote: (note: string) => void,
  visit: (step: Step) => Promise<void>,
): Promise<void> {
  const progress = context.progress();
  let bytes = 0;
  let count = 0;
  const options: StepsOptions = {
    disk: new NodeDisk(),
    path,
    isDirectory: await isDirectory(path),
    onBytes: (more) => {
      bytes += more;
    },
    onNote,
  };
  for await (const step of stepsOf(options)) {
    await visit(step);
    count++;
    progress.tell(() => `${count} keys or commands ${done}, ${bytesText(bytes)}`);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new KvError('INVALID', (error as Error).message);
  }
}

function replacing({ args, database }: Step): Step {
  return { database, args: args[0] === 'RESTORE' ? [...args, 'REPLACE'] : args };
}
