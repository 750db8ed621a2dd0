/** `kvctl check`: whether everything in a data directory is as it was written. */
import { readdir, stat } from 'node:fs/promises';
import { KvError } from '@holdfast/common';
import { checkDirectory } from '@holdfast/coord';
import { NodeDisk } from '@holdfast/log';
import { backupMagic } from '@holdfast/storage';
import type { Commands, Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { Found } from '../found.js';
import { bytesText } from '../output.js';
import { checkBackup } from '../transfer/backup.js';
import { InputFile } from '../transfer/input-file.js';
import { stepsOf } from '../transfer/steps.js';

export const addCheck: Commands = (program, action) => {
  program
    .command('check')
    .description(
      'reads a data directory that no server has open, a backup, or a file of Redis, and names what is damaged: exit code 1 if anything is',
    )
    .argument('<place>', "a server's --dir, or a node's; a file, or an appendonlydir of Redis")
    .action(
      action(async (context, _, place) => {
        const kind = await kindOf(place);
        if (kind === 'data') await check(context, place);
        else await checkFile(context, place, kind === 'log');
      }),
    );
};

async function check(context: Context, directory: string): Promise<void> {
  const findings = new Found(context.progress());
  const report = await checkDirectory(new NodeDisk(), directory, findings);
  const { bytes, damageCount, damages, notes } = findings;
  context.output.result(
    { directory, isDamaged: damageCount > 0, damageCount, damages, notes, bytes, ...report },
    [
      `${directory}: ${damageCount === 0 ? 'whole' : `damaged in ${damageCount} places`}, ${bytesText(bytes)} read`,
      `  ${report.batches} batches, ${report.keys} keys of level storage with ${report.elements} elements`,
      `  data as of position ${report.position}, log ${logText(report)}`,
      ...damages.map(({ place, what }) => `damaged  ${place}: ${what}`),
      ...(damageCount > damages.length
        ? [`damaged  and in ${damageCount - damages.length} more places`]
        : []),
      ...notes.map(({ place, what }) => `note     ${place}: ${what}`),
      '',
    ].join('\n'),
  );
  if (damageCount > 0) context.exitCode = exitCodes.failed;
}

/** A backup, an RDB file or an append-only log: read to its end, which ends with what is damaged first. */
async function checkFile(context: Context, path: string, isDirectory: boolean): Promise<void> {
  const disk = new NodeDisk();
  const found = new Found(context.progress());
  let count = 0;
  try {
    if (!isDirectory && (await isBackup(disk, path))) {
      count = (await checkBackup(disk, path, () => {})).batches;
    } else {
      const onNote = (note: string): void => found.note(path, note);
      const onBytes = (bytes: number): void => found.passed(bytes);
      for await (const _ of stepsOf({ disk, path, isDirectory, onBytes, onNote })) count++;
    }
  } catch (error) {
    if (!(error instanceof KvError) || error.code === 'DISK') throw error;
    found.damage(path, error.message);
  }
  const { damageCount, damages, notes } = found;
  context.output.result(
    { file: path, isDamaged: damageCount > 0, damages, notes, count },
    [
      damageCount === 0
        ? `${path}: whole, ${count} batches, keys or commands`
        : `damaged  ${damages[0].what}`,
      ...notes.map(({ what }) => `note     ${what}`),
      '',
    ].join('\n'),
  );
  if (damageCount > 0) context.exitCode = exitCodes.failed;
}

/** One file, the files of an append-only log of Redis, or what a server or a node has. */
async function kindOf(path: string): Promise<'file' | 'log' | 'data'> {
  const found = await stat(path).catch(() => null);
  if (found === null) return 'data';
  if (found.isFile()) return 'file';
  return (await readdir(path)).some((name) => name.endsWith('.manifest')) ? 'log' : 'data';
}

async function isBackup(disk: NodeDisk, path: string): Promise<boolean> {
  const input = new InputFile(disk, path);
  try {
    await input.more();
    return input.bytes.subarray(0, backupMagic.length).equals(backupMagic);
  } finally {
    await input.close();
  }
}

function logText({ head, tail }: { readonly head: number; readonly tail: number }): string {
  return head === 0 ? 'none' : `from ${head} to ${tail}`;
}
