/**
 * What is to be imported, as commands: an RDB file, a file of the append-only log (with an RDB file at its beginning, or
 * not), or a directory with the files of such a log.
 *
 * A log may end within a command, or within a transaction: the server was stopped while it wrote. What is unfinished is
 * left out, and said; only the last file may end so.
 */
import { KvError } from '@holdfast/common';
import type { Disk } from '@holdfast/log';
import { manifestFiles } from './aof-manifest.js';
import { AofParser, CutShort } from './aof-parser.js';
import { InputFile } from './input-file.js';
import { rdbSteps } from './rdb-steps.js';
import type { Step } from './step.js';

const rdbMagic = 'REDIS';

export interface StepsOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly isDirectory: boolean;
  /** Bytes that were read. */
  readonly onBytes: (count: number) => void;
  readonly onNote: (text: string) => void;
}

/** Throws KvError INVALID, CORRUPT, LIMIT, DISK, naming the file. */
export async function* stepsOf(options: StepsOptions): AsyncGenerator<Step> {
  const { disk, isDirectory, path } = options;
  const paths = isDirectory ? await manifestFiles(disk, path) : [path];
  for (const [i, each] of paths.entries()) {
    if (!(await disk.exists(each))) throw new KvError('INVALID', `${each} is missing`);
    const input = new InputFile(disk, each);
    try {
      yield* stepsOfFile(input, i === paths.length - 1, options);
    } finally {
      await input.close();
    }
  }
}

async function* stepsOfFile(input: InputFile, isLast: boolean, options: StepsOptions): AsyncGenerator<Step> {
  let toldBytes = 0;
  const tell = (step: Step): Step => {
    options.onBytes(input.offset - toldBytes);
    toldBytes = input.offset;
    return step;
  };
  while (input.bytes.length < rdbMagic.length && (await input.more()));
  const head = input.bytes.toString('latin1', 0, rdbMagic.length);
  if (head === 'HOLDF') throw new KvError('INVALID', `${input.path} is a backup: kvctl restore reads it`);
  const isRdb = head === rdbMagic;
  if (!isRdb && input.size > 0 && !/^[*#]/.test(head))
    throw new KvError('INVALID', `${input.path} is neither an RDB file nor an append-only log`);
  if (isRdb) for await (const step of rdbSteps(input)) yield tell(step);
  for await (const step of aofSteps(input, isLast, options)) yield tell(step);
}

async function* aofSteps(input: InputFile, isLast: boolean, { onNote }: StepsOptions): AsyncGenerator<Step> {
  const parser = new AofParser(input);
  let transaction: Step[] | null = null;
  let startedAt = 0;
  const note = (at: number): void =>
    onNote(`${input.path}: ends within a command; what follows offset ${at} is left out`);
  try {
    for (let args = await parser.next(); args !== null; args = await parser.next()) {
      const name = args[0].toString('latin1').toUpperCase();
      const step = { database: -1, args };
      if (transaction === null && name === 'MULTI') {
        transaction = [step];
        startedAt = input.offset;
      } else if (transaction === null) {
        yield step;
      } else {
        transaction.push(step);
        if (name !== 'EXEC') continue;
        yield* transaction;
        transaction = null;
      }
    }
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    if (!isLast)
      throw new KvError('CORRUPT', `${input.path} is cut short, and it is not the last of its log`);
    note(transaction === null ? input.offset : startedAt);
    return;
  }
  if (transaction !== null) note(startedAt);
}
