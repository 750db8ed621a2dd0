/** `kvctl shards`: the shards, who leads them, and every replica on request. */
import type { Commands } from '../context.js';
import { bytesText } from '../output.js';
import { type ReplicaStatus, roleText, type ShardView, shardData, slotsText } from '../view.js';

type Row = (string | number)[];

export const replicaTitles = [
  'SHARD',
  'ROLE',
  'EPOCH',
  'POSITION',
  'LAG',
  'DURABLE',
  'LEASE',
  'KEYS',
  'DATA',
];

export const addShards: Commands = (program, action) => {
  program
    .command('shards')
    .description('the shards: their slots, their leaders, their replicas')
    .option('--replicas', 'a line for each replica')
    .action(
      action((context, { replicas }) =>
        context.withCluster(async (cluster) => {
          const { shards } = await cluster.view();
          const data = shards.map(shardData);
          if (replicas !== true) context.output.table(data, titles, shards.map(rowOf));
          else context.output.table(data, ['NODE', ...replicaTitles], shards.flatMap(replicaRowsOf));
        }),
      ),
    );
};

const titles = ['SHARD', 'SLOTS', 'LEADER', 'EPOCH', 'POSITION', 'KEYS', 'DATA', 'REPLICAS'];

function rowOf({ shard, slots, leader, epoch, replicas }: ShardView): Row {
  const lead = replicas.find(({ node }) => node === leader)?.replica ?? null;
  const nodes = replicas.map(({ node, replica }) => {
    if (node === leader) return node;
    return replica === null ? `${node}(missing)` : `${node}(-${replica.lag})`;
  });
  const data = lead === null ? ['-', '-', '-'] : [lead.position, lead.keys, bytesText(lead.dataBytes)];
  return [shard, slotsText(slots), leader || '-', epoch, ...data, nodes.join(' ')];
}

function replicaRowsOf({ shard, replicas }: ShardView): Row[] {
  return replicas.flatMap(({ node, replica }) => {
    if (replica === null) return [[node, shard, 'missing', ...replicaTitles.slice(2).map(() => '-')]];
    return replicaRows([replica]).map((row) => [node, ...row]);
  });
}

export function replicaRows(replicas: readonly ReplicaStatus[]): Row[] {
  return replicas.map((replica) => {
    const { shard, role, epoch, position, lag, durablePosition, leaseLeftMs, keys, dataBytes } = replica;
    const lease = leaseLeftMs === 0 ? '-' : `${leaseLeftMs} ms`;
    return [shard, roleText(role), epoch, position, lag, durablePosition, lease, keys, bytesText(dataBytes)];
  });
}
