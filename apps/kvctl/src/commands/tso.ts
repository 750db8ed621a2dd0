/** `kvctl tso`: the timestamp service. */
import type { Commands } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { tsoView } from '../tso-view.js';

export const addTso: Commands = (program, action) => {
  program
    .command('tso')
    .description('the timestamp service: who leads, and how far its mark is')
    .action(
      action((context) =>
        context.withCluster(async (cluster) => {
          const view = await tsoView(cluster);
          const { leader, mark, markTime, holdMs, problems } = view;
          const lines = [
            ['leader', leader || 'none'],
            ['mark', mark === 0 ? 'none' : `${mark} (${markTime})`],
            ['hold', `${holdMs} ms`],
            ['problems', problems.join('; ') || 'none'],
          ];
          context.output.result(
            view,
            `${lines.map(([name, text]) => `${name.padEnd(10)} ${text}`).join('\n')}\n`,
          );
          if (problems.length > 0) context.exitCode = exitCodes.failed;
        }),
      ),
    );
};
