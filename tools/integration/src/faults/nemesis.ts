/** What goes wrong, for a while, and then no more. Each fault leaves the cluster whole. */
import { type Random, randomBelow } from '@holdfast/common';
import { pause } from '../server.js';
import type { ClusterUnderTest, Member } from './cluster-under-test.js';

export interface Fault {
  readonly name: string;
  run(cluster: ClusterUnderTest, random: Random): Promise<void>;
}

function pick<T>(random: Random, all: readonly T[]): T {
  return all[randomBelow(random, all.length)];
}

function leader(cluster: ClusterUnderTest, random: Random): Promise<Member> {
  return cluster.leaderOf(pick(random, cluster.shards));
}

/** Longer than a lease, so that others take over meanwhile. */
const longMs = 3500;

/** Between a member and some of etcd: none, one or both of what it may ask are reachable. */
async function partitionFromEtcd(member: Member, count: number, ms: number, random: Random): Promise<void> {
  const first = randomBelow(random, member.toEtcd.length);
  for (let i = 0; i < count; i++) cutOrDrop(member.toEtcd[(first + i) % member.toEtcd.length], random);
  await pause(ms);
  member.heal();
}

function cutOrDrop(proxy: Member['toEtcd'][number], random: Random): void {
  switch (randomBelow(random, 4)) {
    case 0:
      proxy.cut();
      return;
    case 1:
      proxy.drop('toClient');
      return;
    case 2:
      proxy.drop('toTarget');
      return;
    default:
      proxy.stall();
  }
}

async function cutFront(member: Member, ms: number, random: Random): Promise<void> {
  cutOrDrop(member.front!, random);
  await pause(ms);
  member.heal();
}

export const faults: readonly Fault[] = [
  {
    name: 'kill -9 of a leader',
    run: async (cluster, random) => {
      const node = await leader(cluster, random);
      await node.process.kill();
      await pause(longMs);
      await node.start();
    },
  },
  {
    name: 'a leader stands still for longer than its lease',
    run: async (cluster, random) => {
      const node = await leader(cluster, random);
      node.process.pause();
      await pause(longMs);
      node.process.resume();
    },
  },
  {
    name: 'a leader and all of etcd parted',
    run: async (cluster, random) => partitionFromEtcd(await leader(cluster, random), 3, longMs, random),
  },
  {
    name: 'a leader and two members of etcd parted',
    run: async (cluster, random) => partitionFromEtcd(await leader(cluster, random), 2, longMs, random),
  },
  {
    name: 'gateways and a leader parted',
    run: async (cluster, random) => cutFront(await leader(cluster, random), 1500, random),
  },
  {
    name: 'a gateway and etcd parted',
    run: (cluster, random) => partitionFromEtcd(pick(random, cluster.gateways), 3, 1500, random),
  },
  {
    name: 'the timestamp services and everybody parted',
    run: async (cluster, random) => {
      for (const tso of cluster.tsos) cutOrDrop(tso.front!, random);
      await pause(1500);
      for (const tso of cluster.tsos) tso.heal();
    },
  },
  {
    name: 'a timestamp service and etcd parted',
    run: (cluster, random) => partitionFromEtcd(pick(random, cluster.tsos), 3, 2500, random),
  },
  {
    name: 'kill -9 of both timestamp services, one after the other',
    run: async (cluster) => {
      for (const tso of cluster.tsos) {
        await tso.process.kill();
        await pause(500);
        await tso.start();
      }
    },
  },
  {
    name: "kill -9 of etcd's leader",
    run: async (cluster) => {
      const member = await cluster.etcd.leader();
      await member.kill();
      await pause(2500);
      member.start();
      await cluster.etcd.ready();
    },
  },
  {
    name: "etcd's leader stands still",
    run: async (cluster) => {
      const member = await cluster.etcd.leader();
      member.pause();
      await pause(2500);
      member.resume();
    },
  },
  {
    name: 'kill -9 of all nodes at once',
    run: async (cluster) => {
      await Promise.all(cluster.nodes.map(({ process }) => process.kill()));
      await Promise.all(cluster.nodes.map((node) => node.start()));
    },
  },
  {
    name: 'links to etcd are slow',
    run: async (cluster) => {
      for (const node of cluster.nodes) for (const proxy of node.toEtcd) proxy.delay(40, { jitterMs: 60 });
      await pause(2500);
      cluster.heal();
    },
  },
];
