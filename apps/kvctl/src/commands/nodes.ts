/** `kvctl nodes`: the storage nodes. */
import { admin } from '@holdfast/rpc';
import type { Commands } from '../context.js';
import { bytesText, durationText } from '../output.js';
import { type NodeView, nodeData } from '../view.js';

const titles = ['NODE', 'STATE', 'ADDRESS', 'REDIS', 'REPLICAS', 'LEADS', 'DATA', 'CLIENTS', 'UP', 'VERSION'];

export const addNodes: Commands = (program, action) => {
  program
    .command('nodes')
    .description('the storage nodes, and what each of them has')
    .action(
      action((context) =>
        context.withCluster(async (cluster) => {
          const { nodes } = await cluster.view();
          context.output.table(nodes.map(nodeData), titles, nodes.map(rowOf));
        }),
      ),
    );
};

function rowOf({ record, status, placed }: NodeView): (string | number)[] {
  const { node, addresses } = record;
  const redis = addresses.redis || '-';
  if (status === null) return [node, 'down', addresses.node, redis, placed, 0, '-', '-', '-', '-'];
  const leads = status.replicas.filter(({ role }) => role === admin.ReplicaRole.REPLICA_ROLE_LEADER).length;
  const { dataBytes, clients, uptimeMs, version, isDraining, refusal } = status;
  const state = isDraining ? 'draining' : refusal === '' ? 'up' : 'refusing';
  const about = [bytesText(dataBytes), clients, durationText(uptimeMs), version];
  return [node, state, addresses.node, redis, placed, leads, ...about];
}
