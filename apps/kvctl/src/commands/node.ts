/** `kvctl node add`, `remove`, `drain`: what becomes of a storage node. Each may be told again when it was interrupted. */
import { KvError } from '@holdfast/common';
import type { NodeRecord } from '@holdfast/coord';
import { positiveInteger } from '../arguments.js';
import type { Cluster } from '../cluster.js';
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
          const moved = await drain(cluster, cluster.record(node), isDraining);
          const text = isDraining
            ? `${node} leads nothing: ${moved} leads moved\n`
            : `${node} may lead again\n`;
          context.output.result({ node, isDraining, moved }, text);
        }),
      ),
    );
};

/** Throws KvError: of a node that goes on draining with how that is ended. */
async function drain(cluster: Cluster, record: NodeRecord, isDraining: boolean): Promise<number> {
  const client = cluster.admin(record);
  try {
    return await client.drain(isDraining, drainMs(cluster.timeoutMs));
  } catch (error) {
    const status = await client.status(cluster.timeoutMs).catch(() => null);
    if (!isDraining || status?.isDraining !== true || !(error instanceof KvError)) throw error;
    const { node } = record;
    const text = `${node} goes on draining, and gives away the rest when another node can take it; 'kvctl node drain ${node} --off' ends that`;
    throw new KvError(error.code, `${error.message}. ${text}`, { cause: error });
  }
}

/** All leads of a node move, one after the other. */
function drainMs(timeoutMs: number): number {
  return timeoutMs * 12;
}

function countText(count: number): string {
  return count === 1 ? '1 replica' : `${count} replicas`;
}
