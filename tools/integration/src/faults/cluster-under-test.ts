/**
 * A whole cluster of real processes whose every link can fail:
 *
 *     clients --> gateway --(front of a node)--> node --(its way to each member)--> etcd x 3
 *                    '------(its way to each member)-------------------------------'
 *     node --(front of an instance)--> tso x 2 --(its way to each member)--> etcd
 *
 * A process listens on 127.0.1.x, and its front, under the same port, on 127.0.0.1: that is what it tells others.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemEnv } from '@holdfast/common';
import { EtcdLayout, EtcdMeta, ShardMap } from '@holdfast/coord';
import type { Etcd } from '@holdfast/etcd';
import { EtcdCluster } from '@holdfast/etcd/testing';
import { AdminClient, admin } from '@holdfast/rpc';
import { FaultProxy, ProcessUnderTest } from '@holdfast/testing/faults';
import { pause } from '../server.js';

export interface ClusterOptions {
  readonly nodes?: number;
  readonly gateways?: number;
  readonly shards?: number;
  readonly leaseMs?: number;
  readonly storage?: 'memory' | 'level';
  /** Nodes serve clients of Redis, at their own addresses: see `Member.place`. */
  readonly servesRedis?: boolean;
  /** Where a node keeps its data, by its name, when not in the directory of the test. */
  readonly directoryOf?: (node: string) => string | null;
}

type Kind = 'tso' | 'node' | 'gateway';

const apps = { tso: 'tso-service', node: 'storage-node', gateway: 'gateway' } as const;
const readyTimeoutMs = 60_000;

/** One process with its links. */
export class Member {
  readonly name: string;
  readonly kind: Kind;
  readonly process: ProcessUnderTest;
  /** Its way to each member of etcd. */
  readonly toEtcd: readonly FaultProxy[];
  /** What others come through; null for a gateway, whose clients come straight. */
  readonly front: FaultProxy | null;
  /** What it printed when it was ready. */
  addresses = { redis: '', grpc: '', http: '' };
  readonly #host: string;

  constructor(
    name: string,
    kind: Kind,
    process: ProcessUnderTest,
    toEtcd: readonly FaultProxy[],
    front: FaultProxy | null,
    host: string,
  ) {
    this.name = name;
    this.#host = host;
    this.kind = kind;
    this.process = process;
    this.toEtcd = toEtcd;
    this.front = front;
  }

  async start(): Promise<void> {
    this.addresses = JSON.parse(await this.process.start()) as Member['addresses'];
  }

  get port(): number {
    return Number(this.addresses.redis.split(':')[1]);
  }

  /** Where it listens to clients of Redis: what it tells others is its front, which has no such port. */
  get place(): { readonly host: string; readonly port: number } {
    return { host: this.#host, port: this.port };
  }

  heal(): void {
    for (const proxy of this.toEtcd) proxy.heal();
    this.front?.heal();
  }

  async close(): Promise<void> {
    await this.process.kill();
    for (const proxy of [...this.toEtcd, ...(this.front === null ? [] : [this.front])]) await proxy.close();
  }
}

export class ClusterUnderTest {
  readonly etcd: EtcdCluster;
  readonly tsos: Member[] = [];
  readonly nodes: Member[] = [];
  readonly gateways: Member[] = [];
  readonly #options: ClusterOptions;
  readonly #directory: string;
  readonly #client: Etcd;
  #meta!: EtcdMeta;
  readonly #env = systemEnv();

  static async start(options: ClusterOptions = {}): Promise<ClusterUnderTest> {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-faults-'));
    const etcd = await EtcdCluster.start({ members: 3 });
    const cluster = new ClusterUnderTest(options, directory, etcd, await etcd.connect());
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  private constructor(options: ClusterOptions, directory: string, etcd: EtcdCluster, client: Etcd) {
    this.#options = options;
    this.#directory = directory;
    this.etcd = etcd;
    this.#client = client;
  }

  get members(): Member[] {
    return [...this.tsos, ...this.nodes, ...this.gateways];
  }

  get shards(): string[] {
    return this.#meta.map.shards.map(({ shard }) => shard);
  }

  get map(): ShardMap {
    return this.#meta.map;
  }

  /** What a node says of itself; null when it says nothing. */
  async statusOf({ addresses }: Member): Promise<admin.StatusResponse | null> {
    const client = new AdminClient({ address: addresses.grpc, env: this.#env });
    try {
      return await client.status(500);
    } catch {
      return null;
    } finally {
      client.close();
    }
  }

  /** The node that leads a shard, by the greatest epoch; waits until there is one. */
  async leaderOf(shard: string): Promise<Member> {
    const untilMs = Date.now() + readyTimeoutMs;
    for (;;) {
      let best: { node: Member; epoch: number } | null = null;
      for (const node of this.nodes) {
        const replica = (await this.statusOf(node))?.replicas.find((one) => one.shard === shard);
        if (replica?.role !== admin.ReplicaRole.REPLICA_ROLE_LEADER) continue;
        if (best === null || replica.epoch > best.epoch) best = { node, epoch: replica.epoch };
      }
      if (best !== null) return best.node;
      if (Date.now() > untilMs) throw new Error(`nobody leads ${shard}:\n${this.logs()}`);
      await pause(50);
    }
  }

  /** Ends all faults of links; processes stay as they are. */
  heal(): void {
    for (const member of this.members) member.heal();
  }

  /** The ends of what the processes said, for messages. */
  logs(): string {
    return this.members
      .map(({ name, process }) => `--- ${name}\n${process.log.split('\n').slice(-15).join('\n')}`)
      .join('\n');
  }

  async stop(): Promise<void> {
    for (const member of this.members) await member.close();
    this.#meta?.close();
    this.#client.close();
    await this.etcd.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const { nodes = 3, gateways = 1, shards = 2 } = this.#options;
    this.#meta = await EtcdMeta.open({
      etcd: this.#client,
      env: this.#env,
      layout: new EtcdLayout('holdfast/'),
    });
    for (let i = 1; i <= 2; i++) this.tsos.push(await this.#tso(`tso${i}`, i));
    await Promise.all(this.tsos.map((tso) => tso.start()));
    for (let i = 1; i <= nodes; i++) this.nodes.push(await this.#node(`n${i}`, i + 10));
    await Promise.all(this.nodes.map((node) => node.start()));
    const names = this.nodes.map(({ name }) => name);
    await this.#meta.changeMap(() => ShardMap.even(shards, names, Math.min(3, nodes)).shards);
    for (let i = 1; i <= gateways; i++) this.gateways.push(await this.#gateway(`g${i}`));
    await Promise.all(this.gateways.map((gateway) => gateway.start()));
    for (const shard of this.shards) await this.leaderOf(shard);
  }

  async #tso(name: string, number: number): Promise<Member> {
    const host = `127.0.1.${number}`;
    const front = await frontOf(host);
    const flags = {
      host,
      'grpc-port': front.port,
      'http-port': 0,
      advertise: front.address,
      'hold-ms': 1000,
    };
    return this.#member(name, 'tso', front, flags);
  }

  async #node(name: string, number: number): Promise<Member> {
    const host = `127.0.1.${number}`;
    const front = await frontOf(host);
    return this.#member(name, 'node', front, {
      node: name,
      host,
      advertise: '127.0.0.1',
      'grpc-port': front.port,
      'redis-port': this.#options.servesRedis ? 0 : -1,
      'http-port': 0,
      dir: this.#options.directoryOf?.(name) ?? join(this.#directory, name),
      storage: this.#options.storage ?? 'memory',
      tso: this.tsos.map((tso) => tso.front!.address).join(','),
      'lease-ms': this.#options.leaseMs ?? 2000,
    });
  }

  #gateway(name: string): Promise<Member> {
    return this.#member(name, 'gateway', null, {
      mode: 'cluster',
      'redis-port': 0,
      'grpc-port': -1,
      'http-port': 0,
    });
  }

  async #member(
    name: string,
    kind: Kind,
    front: FaultProxy | null,
    flags: Record<string, string | number>,
  ): Promise<Member> {
    const ports = this.etcd.endpoints.map((endpoint) => Number(endpoint.split(':')[1]));
    const toEtcd = await Promise.all(ports.map((port) => FaultProxy.listen({ target: { port } })));
    const { host = '127.0.0.1' } = flags;
    const all = { ...flags, etcd: toEtcd.map(({ address }) => address).join(','), 'log-level': 'info' };
    const main = fileURLToPath(new URL(`../../../../apps/${apps[kind]}/dist/main.js`, import.meta.url));
    const args = [main, ...Object.entries(all).map(([flag, value]) => `--${flag}=${value}`)];
    const server = new ProcessUnderTest({ program: process.execPath, args, variables: variables() });
    return new Member(name, kind, server, toEtcd, front, String(host));
  }
}

/** A proxy on 127.0.0.1 before what will listen on `host`, on the same port. */
async function frontOf(host: string): Promise<FaultProxy> {
  const proxy = await FaultProxy.listen({ target: { host, port: 1 } });
  proxy.retarget({ host, port: proxy.port });
  return proxy;
}

/** The variables of the tests are no settings of servers. */
function variables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_')));
}
