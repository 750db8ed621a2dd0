/** `kvctl status`: the whole cluster, or one process, and whether anything is wrong. */
import { admin } from '@holdfast/rpc';
import type { Cluster } from '../cluster.js';
import type { Commands, Context } from '../context.js';
import { type EtcdView, etcdView } from '../etcd-view.js';
import { exitCodes } from '../exit-codes.js';
import { bytesText, durationText, tableOf } from '../output.js';
import { type TsoView, tsoView } from '../tso-view.js';
import { type ClusterView, kindText, nodeData, processData, shardData } from '../view.js';
import { replicaRows, replicaTitles } from './shards.js';

export const addStatus: Commands = (program, action) => {
  program
    .command('status')
    .description('what the cluster is, and what is wrong with it: exit code 1 if anything is')
    .option('--at <address>', 'one process, host:port, instead of the cluster')
    .action(
      action(async (context, { at }) => {
        if (at === undefined) await context.withCluster((cluster) => statusOfCluster(context, cluster));
        else await statusOfProcess(context, String(at));
      }),
    );
};

async function statusOfCluster(context: Context, cluster: Cluster): Promise<void> {
  const [view, etcd, tso] = await Promise.all([cluster.view(), etcdView(cluster.etcd), tsoView(cluster)]);
  const problems = [...view.problems, ...etcd.problems, ...tso.problems];
  const { warnings } = etcd;
  const { epoch, nodes, shards } = view;
  context.output.result(
    { epoch, nodes: nodes.map(nodeData), shards: shards.map(shardData), etcd, tso, problems, warnings },
    textOf(view, etcd, tso, problems),
  );
  if (problems.length > 0) context.exitCode = exitCodes.failed;
}

function textOf(view: ClusterView, etcd: EtcdView, tso: TsoView, problems: readonly string[]): string {
  const { nodes, shards, epoch } = view;
  const up = nodes.filter(({ status }) => status !== null).length;
  const led = shards.filter(({ leader }) => leader !== '').length;
  const members = etcd.members.filter(({ isUp }) => isUp);
  const lines = [
    ['nodes', `${up} of ${nodes.length} up`],
    ['shards', `${led} of ${shards.length} led, map ${epoch}`],
    ['tso', tso.leader === '' ? 'no instance leads' : `${tso.leader} leads`],
    [
      'etcd',
      `${members.length} of ${etcd.members.length} members up, ${etcd.leader || 'none'} leads, version ${etcd.versions.join(', ')}, ${bytesText(etcd.bytes)}`,
    ],
  ];
  const found = [
    ...(problems.length === 0 ? ['problems   none'] : ['problems', ...problems.map((line) => `  ${line}`)]),
    ...(etcd.warnings.length === 0 ? [] : ['warnings', ...etcd.warnings.map((line) => `  ${line}`)]),
  ];
  return `${lines.map(([name, text]) => `${name.padEnd(10)} ${text}`).join('\n')}\n${found.join('\n')}\n`;
}

async function statusOfProcess(context: Context, address: string): Promise<void> {
  const client = context.admin(address);
  try {
    const status = await client.status(context.options.timeout);
    context.output.result(processData(status), textOfProcess(status));
    if (status.refusal !== '') context.exitCode = exitCodes.failed;
  } finally {
    client.close();
  }
}

function textOfProcess(status: admin.StatusResponse): string {
  const { kind, replicas } = status;
  const isGateway = kind === admin.ProcessKind.PROCESS_KIND_GATEWAY;
  const rows = [
    ['kind', `${kindText(kind)}${status.isDraining ? ', draining' : ''}`],
    ['name', status.name],
    ['version', status.version],
    ['process', `${status.pid}, up ${durationText(status.uptimeMs)}`],
    ['storage', status.storage === '' ? '' : `${status.storage}, ${bytesText(status.dataBytes)}`],
    ['log', status.log],
    ['clients', String(status.clients)],
    ['shards', isGateway ? `${status.shardsLed} of ${status.shardsKnown} led` : ''],
    ['refusal', status.refusal],
  ].filter(([, text]) => text !== '');
  const head = rows.map(([name, text]) => `${name.padEnd(10)} ${text}`).join('\n');
  const table = replicas.length === 0 ? '' : `\n${tableOf(replicaTitles, replicaRows(replicas))}`;
  return `${head}\n${table}`;
}
