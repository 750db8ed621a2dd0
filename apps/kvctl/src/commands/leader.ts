/** `kvctl leader move`: gives the lead of a shard to another of its replicas. */
import { KvError } from '@holdfast/common';
import type { Cluster } from '../cluster.js';
import type { Commands } from '../context.js';
import { exitCodes } from '../exit-codes.js';

export const addLeader: Commands = (program, action) => {
  program
    .command('leader')
    .description('who leads a shard')
    .command('move')
    .description('gives the lead of a shard to another node that has a replica of it')
    .argument('<shard>')
    .argument('<node>')
    .action(
      action((context, _, shard, node) =>
        context.withCluster(async (cluster) => {
          const from = await moveLead(cluster, shard, node);
          const text =
            from === node ? `${node} leads ${shard} already\n` : `${shard}: from ${from} to ${node}\n`;
          context.output.result({ shard, from, to: node }, text);
          context.exitCode = exitCodes.done;
        }),
      ),
    );
};

/** Resolves with the node that led before. Throws KvError INVALID, UNAVAILABLE, UNDETERMINED. */
export async function moveLead(cluster: Cluster, shard: string, to: string): Promise<string> {
  cluster.checkShard(shard);
  cluster.record(to);
  const from = await leaderOf(cluster, shard);
  const { replicas } = await shardView(cluster, shard);
  if (!replicas.some(({ node }) => node === to)) {
    const names = replicas.map(({ node }) => node).join(', ');
    throw new KvError('INVALID', `${to} has no replica of ${shard}; it is on ${names}`);
  }
  if (from === to) return from;
  await cluster.admin(cluster.record(from)).moveLead(shard, to, cluster.timeoutMs);
  await cluster.until(cluster.timeoutMs, `${to} does not lead ${shard} yet`, async () =>
    (await shardView(cluster, shard)).leader === to ? to : null,
  );
  return from;
}

async function leaderOf(cluster: Cluster, shard: string): Promise<string> {
  return cluster.until(cluster.timeoutMs, `no node leads ${shard}`, async () => {
    const { leader } = await shardView(cluster, shard);
    return leader === '' ? null : leader;
  });
}

async function shardView(cluster: Cluster, shard: string) {
  const { shards } = await cluster.look();
  return shards.find((view) => view.shard === shard)!;
}
