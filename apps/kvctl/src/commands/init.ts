/** `kvctl init`: the first shard map. */
import { KvError } from '@holdfast/common';
import { ShardMap } from '@holdfast/coord';
import { listOf, positiveInteger } from '../arguments.js';
import type { Commands } from '../context.js';

export const addInit: Commands = (program, action) => {
  program
    .command('init')
    .description('makes the first shard map: the slots in equal parts over the nodes that have registered')
    .option('--shards <count>', 'how many; it is fixed for good', positiveInteger, 16)
    .option('--replicas <count>', 'of each shard', positiveInteger, 3)
    .option('--if-missing', 'is done with nothing to do when there is a map already')
    .option('--nodes <names>', 'over these, with commas between, instead of all that have registered')
    .action(
      action((context, { shards, replicas, nodes, ifMissing }) =>
        context.withCluster(async (cluster) => {
          const names = nodes === undefined ? [...cluster.meta.nodes.keys()].sort() : listOf(String(nodes));
          if (names.length === 0)
            throw new KvError('INVALID', 'no node has registered: start storage nodes first');
          const count = Math.min(Number(replicas), names.length);
          const wanted = ShardMap.even(Number(shards), names, count);
          const map = await cluster.meta.changeMap(({ epoch }) => {
            if (epoch === 0) return wanted.shards;
            if (ifMissing === true) return null;
            throw new KvError(
              'INVALID',
              `there is a shard map already, of epoch ${epoch}: nothing was changed`,
            );
          });
          const isNew = map.shards === wanted.shards;
          const text = isNew
            ? `${map.shards.length} shards with ${count} replicas each over ${names.join(', ')}\n`
            : `there is a shard map already, of epoch ${map.epoch}\n`;
          context.output.result({ epoch: map.epoch, shards: map.shards }, text);
        }),
      ),
    );
};
