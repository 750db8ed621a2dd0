/** The cluster at a glance: what the map says, and what the nodes say of themselves. Pure: nobody is asked here. */
import type { NodeRecord, ShardMap } from '@holdfast/coord';
import { admin } from '@holdfast/rpc';

export type ReplicaStatus = admin.ReplicaStatus;

/** What a node said of itself, or why it did not. */
export type NodeAnswer = { readonly status: admin.StatusResponse } | { readonly problem: string };

export interface NodeView {
  readonly record: NodeRecord;
  /** Null when it did not answer: `problem` says why. */
  readonly status: admin.StatusResponse | null;
  readonly problem: string;
  /** Replicas that the map gives it. */
  readonly placed: number;
}

export interface ReplicaView {
  readonly node: string;
  /** Null when the node does not answer or does not have it yet. */
  readonly replica: ReplicaStatus | null;
}

export interface ShardView {
  readonly shard: string;
  readonly slots: readonly (readonly [number, number])[];
  /** Empty when no node says that it leads. */
  readonly leader: string;
  readonly epoch: number;
  /** In the order of the map. */
  readonly replicas: readonly ReplicaView[];
}

export interface ClusterView {
  readonly epoch: number;
  readonly nodes: readonly NodeView[];
  readonly shards: readonly ShardView[];
  /** What an operator should look at. */
  readonly problems: readonly string[];
}

const leading = admin.ReplicaRole.REPLICA_ROLE_LEADER;
const following = admin.ReplicaRole.REPLICA_ROLE_FOLLOWER;

export function viewOf(
  map: ShardMap,
  records: ReadonlyMap<string, NodeRecord>,
  answers: ReadonlyMap<string, NodeAnswer>,
): ClusterView {
  const nodes = [...records.values()].map((record): NodeView => {
    const answer = answers.get(record.node) ?? { problem: 'was not asked' };
    const status = 'status' in answer ? answer.status : null;
    const problem = 'status' in answer ? '' : answer.problem;
    const placed = map.shards.filter((shard) => shard.nodes.includes(record.node)).length;
    return { record, status, problem, placed };
  });
  const byName = new Map(nodes.map((node) => [node.record.node, node]));
  const shards = map.shards.map(({ shard, slots, nodes: placed }): ShardView => {
    const replicas = placed.map((node): ReplicaView => {
      const all = byName.get(node)?.status?.replicas ?? [];
      return { node, replica: all.find((replica) => replica.shard === shard) ?? null };
    });
    const leads = replicas.filter(({ replica }) => replica?.role === leading);
    const leader = leads.reduce<ReplicaView | null>(
      (a, b) => (a === null || b.replica!.epoch > a.replica!.epoch ? b : a),
      null,
    );
    const position = leader?.replica?.position ?? 0;
    return {
      shard,
      slots,
      leader: leader?.node ?? '',
      epoch: leader?.replica?.epoch ?? 0,
      replicas: replicas.map((view) => withLag(view, position)),
    };
  });
  return { epoch: map.epoch, nodes, shards, problems: problemsOf(map, nodes, shards) };
}

/** How far behind the leader: a follower alone knows only what it has heard of. */
function withLag({ node, replica }: ReplicaView, position: number): ReplicaView {
  if (replica === null) return { node, replica };
  return { node, replica: { ...replica, lag: Math.max(replica.lag, position - replica.position) } };
}

function problemsOf(map: ShardMap, nodes: readonly NodeView[], shards: readonly ShardView[]): string[] {
  const problems: string[] = [];
  if (map.epoch === 0) problems.push('there is no shard map yet: kvctl init makes one');
  else if (!map.isWhole) problems.push('some hash slots belong to no shard');
  for (const { record, problem, status } of nodes) {
    if (status === null) problems.push(`node ${record.node}: ${problem}`);
    else if (status.refusal !== '') problems.push(`node ${record.node} takes no writes: ${status.refusal}`);
  }
  const known = new Set(nodes.map(({ record }) => record.node));
  for (const { shard, leader, replicas } of shards) {
    if (leader === '') problems.push(`shard ${shard}: no node leads it`);
    for (const { node, replica } of replicas) {
      if (!known.has(node)) problems.push(`shard ${shard}: its node ${node} has never registered`);
      else if (replica?.role !== leading && replica?.role !== following && isUp(nodes, node)) {
        problems.push(`shard ${shard}: its replica on ${node} is not ready`);
      }
      if (replica !== null && replica.diskFailure !== '') {
        problems.push(`shard ${shard}: the disk of ${node} takes nothing: ${replica.diskFailure}`);
      }
    }
  }
  return problems;
}

function isUp(nodes: readonly NodeView[], name: string): boolean {
  return nodes.some(({ record, status }) => record.node === name && status !== null);
}

/** `starting`, `follower`, `leader`, `closed`. */
export function roleText(role: admin.ReplicaRole): string {
  const name = Object.entries(admin.ReplicaRole).find(([, value]) => value === role)?.[0] ?? '';
  return name.replace('REPLICA_ROLE_', '').toLowerCase();
}

const kinds: Readonly<Record<admin.ProcessKind, string>> = {
  [admin.ProcessKind.PROCESS_KIND_UNSPECIFIED]: 'unknown',
  [admin.ProcessKind.PROCESS_KIND_SERVER]: 'whole server',
  [admin.ProcessKind.PROCESS_KIND_GATEWAY]: 'gateway',
  [admin.ProcessKind.PROCESS_KIND_STORAGE_NODE]: 'storage node',
};

export function kindText(kind: admin.ProcessKind): string {
  return kinds[kind];
}

/** `0-5460,9000`. */
export function slotsText(slots: readonly (readonly [number, number])[]): string {
  return slots.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** As a program reads it: with names for the numbers that the wire has. */
export function replicaData(replica: ReplicaStatus): Record<string, unknown> {
  return { ...replica, role: roleText(replica.role) };
}

export function processData(status: admin.StatusResponse): Record<string, unknown> {
  return { ...status, kind: kindText(status.kind), replicas: status.replicas.map(replicaData) };
}

export function nodeData(node: NodeView): Record<string, unknown> {
  return { ...node, status: node.status === null ? null : processData(node.status) };
}

export function shardData(shard: ShardView): Record<string, unknown> {
  const replicas = shard.replicas.map(({ node, replica }) => ({
    node,
    replica: replica === null ? null : replicaData(replica),
  }));
  return { ...shard, replicas };
}
