/** `kvctl consistency set`: where a whole server makes its writes durable, changed while it serves. */
import { admin } from '@holdfast/rpc';
import { Argument } from 'commander';
import { etcdMembersOf } from '../access.js';
import { positiveInteger } from '../arguments.js';
import type { Commands } from '../context.js';

const { SetConsistencyRequest_Consistency: consistencies } = admin;

export const addConsistency: Commands = (program, action) => {
  program
    .command('consistency')
    .description('where a whole server makes its writes durable')
    .command('set')
    .description(
      'changes it while it serves: in files of its machine (local), or in the etcd of --etcd (replicated)',
    )
    .addArgument(new Argument('<where>').choices(['local', 'replicated']))
    .requiredOption('--at <address>', "the server's administration, host:port")
    .option('--wait <ms>', 'how long the change is waited for, in ms', positiveInteger, 60_000)
    .action(
      action(async (context, { at, wait }, where) => {
        const isReplicated = where === 'replicated';
        const etcd = isReplicated ? etcdMembersOf(context.options) : [];
        const client = context.admin(String(at));
        try {
          const to = isReplicated ? consistencies.CONSISTENCY_REPLICATED : consistencies.CONSISTENCY_LOCAL;
          const pausedMs = await client.setConsistency(to, etcd, Number(wait));
          context.output.result(
            { where, pausedMs },
            `${where}: writes waited for ${pausedMs.toFixed(1)} ms\n`,
          );
        } finally {
          client.close();
        }
      }),
    );
};
