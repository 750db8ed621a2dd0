/** `kvctl node add`, `remove`, `drain`: what becomes of a storage node. Each may be told again when it was interrupted. */
import { positiveInteger } from '../arguments.js';
import type { Commands } from '../context.js';
import { catchUpMsDefault } from '../limits.js';
import { carryOut } from '../moving.js';
import { movesOffNode, movesOntoNode } from '../placement.js';

export const addNode: Commands = (program, action) => {
  const group = program.command('node').description('what becomes of a storage node');
  group
    .command('add')
    .description('gives a node that has registered its share of the replicas')
    .argument('<node>')
    .option('--replicas <count>', 'how many replicas each shard should have', positiveInteger, 3)
    .option(
      '--wait <ms>',
      'how long a replica that is being made is waited for',
      positiveInteger,
      catchUpMsDefault,
    )
    .action(
      action((context, { replicas, wait }, node) =>
        context.withCluster(async (cluster) => {
          cluster.record(node);
          const moves = movesOntoNode(cluster.meta.map.shards, node, Number(replicas));
          await carryOut(cluster, moves, Number(wait), (text) => context.output.progress(text));
          context.output.result({ node, moves }, `${node} has its share: ${countText(moves.length)} moved\n`);
        }),
      ),
    );
  group
    .command('remove')
    .description('takes every replica away from a node, and forgets it')
    .argument('<node>')
    .option(
      '--wait <ms>',
      'how long a replica that is being made is waited for',
      positiveInteger,
      catchUpMsDefault,
    )
    .action(
      action((context, { wait }, node) =>
        context.withCluster(async (cluster) => {
          cluster.record(node);
          const { nodes } = await cluster.view();
          const others = nodes.filter(({ status }) => status !== null && !status.isDraining);
          const names = others.map(({ record }) => record.node);
          const moves = movesOffNode(cluster.meta.map.shards, node, names);
          await carryOut(cluster, moves, Number(wait), (text) => context.output.progress(text));
          await cluster.meta.remove(node);
          const text = `${node} is no part of the cluster any more: ${countText(moves.length)} moved. Now stop it.\n`;
          context.output.result({ node, moves }, text);
        }),
      ),
    );
  group
    .command('drain')
    .description('has a node give away every lead, and take none, until it is started again')
    .argument('<node>')
    .option('--off', 'ends the draining')
    .action(
      action((context, { off }, node) =>
        context.withCluster(async (cluster) => {
          const isDraining = off !== true;
          const moved = await cluster
            .admin(cluster.record(node))
            .drain(isDraining, drainMs(cluster.timeoutMs));
          const text = isDraining
            ? `${node} leads nothing: ${moved} leads moved\n`
            : `${node} may lead again\n`;
          context.output.result({ node, isDraining, moved }, text);
        }),
      ),
    );
};

/** All leads of a node move, one after the other. */
function drainMs(timeoutMs: number): number {
  return timeoutMs * 12;
}

function countText(count: number): string {
  return count === 1 ? '1 replica' : `${count} replicas`;
}
