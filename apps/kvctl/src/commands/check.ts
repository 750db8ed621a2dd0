/** `kvctl check`: whether everything in a data directory is as it was written. */
import { checkDirectory } from '@holdfast/coord';
import { NodeDisk } from '@holdfast/log';
import type { Commands, Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { Found } from '../found.js';
import { bytesText } from '../output.js';
import { Progress } from '../progress.js';

export const addCheck: Commands = (program, action) => {
  program
    .command('check')
    .description(
      'reads a data directory that no server has open, and names what is damaged: exit code 1 if anything is',
    )
    .argument('<directory>', "a server's --dir, or a node's")
    .action(action((context, _, directory) => check(context, directory)));
};

async function check(context: Context, directory: string): Promise<void> {
  const findings = new Found(new Progress(context.output, context.env.clock));
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

function logText({ head, tail }: { readonly head: number; readonly tail: number }): string {
  return head === 0 ? 'none' : `from ${head} to ${tail}`;
}
