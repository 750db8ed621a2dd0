import { ShardMap } from '@holdfast/coord';
import { admin } from '@holdfast/rpc';
import { expect, it } from 'vitest';
import type { Cluster } from './cluster.js';
import { carryOut } from './moving.js';
import { viewOf } from './view.js';

const { REPLICA_ROLE_FOLLOWER, REPLICA_ROLE_LEADER } = admin.ReplicaRole;

/** One shard on n1, which leads it, n2 and n3, of which those that are `up` answer. */
function toyCluster(up: ReadonlySet<string>) {
  const state = { map: ShardMap.even(1, ['n1', 'n2', 'n3'], 3), forgotten: [] as string[] };
  const answerOf = (node: string) => ({
    status: admin.StatusResponse.create({
      name: node,
      replicas: [
        { shard: 's0', role: node === 'n1' ? REPLICA_ROLE_LEADER : REPLICA_ROLE_FOLLOWER, position: 9 },
      ].map((replica) => admin.ReplicaStatus.create(replica)),
    }),
  });
  const cluster = {
    meta: {
      changeMap: async (change: (map: ShardMap) => ShardMap['shards']) => {
        state.map = new ShardMap(state.map.epoch + 1, change(state.map));
      },
      forgetPositions: async (replicas: { shard: string; node: string }[]) => {
        state.forgotten.push(...replicas.map(({ node, shard }) => `${shard} ${node}`));
      },
    },
    look: async () => {
      const names = ['n1', 'n2', 'n3', 'n4'];
      const records = new Map(names.map((node) => [node, { node, addresses: { redis: '', node } }]));
      return viewOf(state.map, records, new Map([...up].map((node) => [node, answerOf(node)])));
    },
    until: async (_: number, what: () => string, check: () => Promise<unknown>) => {
      if ((await check()) === null) throw new Error(what());
    },
  };
  return { cluster: cluster as unknown as Cluster, state };
}

const nodesOf = ({ map }: { map: ShardMap }): readonly string[] => map.shards[0].nodes;

it('takes no replica away without another while no other one is up', async () => {
  const { cluster, state } = toyCluster(new Set(['n1']));
  const moves = [{ shard: 's0', from: 'n1', to: null }];
  await expect(carryOut(cluster, moves, 100, () => {})).rejects.toThrow(
    'behind, or down: s0 on another node than n1',
  );
  expect(nodesOf(state)).toEqual(['n1', 'n2', 'n3']);
});

it('takes one away without another while one that stays has caught up', async () => {
  const { cluster, state } = toyCluster(new Set(['n1', 'n2']));
  await carryOut(cluster, [{ shard: 's0', from: 'n3', to: null }], 100, () => {});
  expect(nodesOf(state)).toEqual(['n1', 'n2']);
});

it('counts on nothing that a node said of a replica that it had before', async () => {
  const { cluster, state } = toyCluster(new Set(['n1', 'n4']));
  await carryOut(cluster, [{ shard: 's0', from: 'n3', to: 'n4' }], 100, () => {});
  expect(nodesOf(state)).toEqual(['n1', 'n2', 'n4']);
  expect(state.forgotten).toEqual(['s0 n4']);
});

it('names those that are behind alone, and where', async () => {
  const { cluster, state } = toyCluster(new Set(['n1', 'n2', 'n3']));
  const moves = [
    { shard: 's0', from: 'n3', to: null },
    { shard: 's0', from: 'n2', to: 'n4' },
  ];
  await expect(carryOut(cluster, moves, 100, () => {})).rejects.toThrow('behind, or down: s0 on n4');
  expect(nodesOf(state)).toEqual(['n1', 'n2', 'n3', 'n4']);
});
