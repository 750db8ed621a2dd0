/** A cluster of processes as they were built: etcd, a timestamp service, storage nodes, a gateway. */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { systemEnv } from '@holdfast/common';
import { EtcdLayout, EtcdMeta, openShardLog, ShardMap } from '@holdfast/coord';
import { EtcdCluster } from '@holdfast/etcd/testing';
import { Cluster, Redis } from 'ioredis';
import { ServerProcess, temporaryDirectory } from './server.js';

const programs = { tso: 'tso-service', node: 'storage-node', gateway: 'gateway' } as const;
const prefix = 'holdfast/';
/** So little that logs are trimmed within a test. */
const snapshotLogBytes = 100_000;

interface Ready {
  readonly redis: string;
  readonly grpc: string;
  readonly http: string;
}

/** A process of the cluster that may be ended and started again. */
export class Member {
  readonly name: string;
  readonly #program: keyof typeof programs;
  readonly #flags: () => readonly string[];
  #process: ServerProcess | null = null;
  /** As it said when it was ready: the same ports for all of its lives. */
  addresses!: Ready;

  /** `flags`: asked for at each start. */
  constructor(name: string, program: keyof typeof programs, flags: () => readonly string[]) {
    this.name = name;
    this.#program = program;
    this.#flags = flags;
  }

  async start(): Promise<void> {
    const main = fileURLToPath(
      new URL(`../../../apps/${programs[this.#program]}/dist/main.js`, import.meta.url),
    );
    const args = [main, ...this.#flags(), ...this.#ports()];
    this.#process = new ServerProcess(process.execPath, args, process.env);
    this.addresses = JSON.parse(await this.#process.readyLine()) as Ready;
  }

  get stderr(): string {
    return this.#process?.stderr ?? '';
  }

  /** The port of an address. */
  port(of: keyof Ready): number {
    return Number(this.addresses[of].split(':').at(-1));
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Resolves with the exit code of an orderly end. */
  async stop(): Promise<number | null> {
    process.kill(this.#process!.pid, 'SIGTERM');
    return this.#process!.exited;
  }

  #ports(): string[] {
    const kinds =
      this.#program === 'tso' ? (['grpc', 'http'] as const) : (['redis', 'grpc', 'http'] as const);
    return kinds.flatMap((kind) => [`--${kind}-port`, String(this.addresses ? this.port(kind) : 0)]);
  }
}

export interface ClusterOptions {
  readonly nodes: number;
  readonly shards: number;
  readonly storage?: 'memory' | 'level';
  /** Of every node, beside what it needs. */
  readonly flags?: readonly string[];
  /** And of every process. */
  readonly common?: readonly string[];
}

export class ClusterProcesses {
  readonly nodes: readonly Member[];
  readonly gateway: Member;
  /** A second process with the name of a node, in a directory of its own. */
  readonly another: (name: string) => Member;
  readonly #etcd: EtcdCluster;
  readonly #tso: Member;
  readonly #directory: { readonly path: string; remove(): Promise<void> };
  readonly #clients: { disconnect(): void }[] = [];

  static async start(options: ClusterOptions): Promise<ClusterProcesses> {
    const etcd = await EtcdCluster.start();
    const cluster = new ClusterProcesses(etcd, await temporaryDirectory(), options);
    try {
      await cluster.#start(options);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  private constructor(
    etcd: EtcdCluster,
    directory: { readonly path: string; remove(): Promise<void> },
    { common: more = [], flags = [], nodes, storage = 'memory' }: ClusterOptions,
  ) {
    this.#etcd = etcd;
    this.#directory = directory;
    const access = ['--etcd', etcd.endpoints.join(','), '--etcd-prefix', prefix];
    const common = [...access, '--log-level', 'warn', ...more];
    this.#tso = new Member('tso', 'tso', () => common);
    const flagsOf = (name: string, subdirectory = name): string[] => {
      const place = ['--storage', storage, '--dir', `${directory.path}/${subdirectory}`, ...flags];
      const keeping = ['--snapshot-log-bytes', String(snapshotLogBytes)];
      return [...common, '--node', name, ...place, ...keeping, '--tso', this.#tso.addresses.grpc];
    };
    const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
    this.nodes = names.map((name) => new Member(name, 'node', () => flagsOf(name)));
    this.another = (name) => new Member(name, 'node', () => flagsOf(name, `another ${name}`));
    this.gateway = new Member('gateway', 'gateway', () => ['--mode', 'cluster', ...common]);
  }

  async #start({ nodes, shards }: ClusterOptions): Promise<void> {
    await this.#tso.start();
    await Promise.all(this.nodes.map((node) => node.start()));
    const etcd = await this.#etcd.connect();
    const meta = await EtcdMeta.open({ etcd, env: systemEnv(), layout: new EtcdLayout(prefix) });
    const names = this.nodes.map(({ name }) => name);
    await meta.changeMap(() => ShardMap.even(shards, names, nodes).shards);
    meta.close();
    etcd.close();
    await this.gateway.start();
    await this.ready();
  }

  /** How `kvctl` gets at it. */
  get access(): string[] {
    return ['--etcd', this.#etcd.endpoints.join(','), '--etcd-prefix', prefix];
  }

  /** Every shard has a leader that the gateway can reach. */
  async ready(): Promise<void> {
    for (;;) {
      const metrics = await (await fetch(`http://${this.gateway.addresses.http}/metrics`)).text();
      const figure = (name: string): string | undefined =>
        new RegExp(`^holdfast_${name} (\\d+)$`, 'm').exec(metrics)?.[1];
      if (figure('shards') !== '0' && figure('shards') === figure('shards_reachable')) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** A client of the gateway, which is to it a server like any other. */
  throughGateway(): Redis {
    const client = new Redis(this.gateway.port('redis'), { lazyConnect: false });
    client.on('error', () => {});
    this.#clients.push(client);
    return client;
  }

  /** A client of Redis Cluster, which goes to the nodes. */
  straight(scaleReads: 'master' | 'slave' = 'master'): Cluster {
    const startup = this.nodes.map((node) => ({ host: '127.0.0.1', port: node.port('redis') }));
    const client = new Cluster(startup, { scaleReads, slotsRefreshTimeout: 5000 });
    client.on('error', () => {});
    this.#clients.push(client);
    return client;
  }

  /** The node that leads the shard of a key. */
  async leaderOf(key: string): Promise<Member> {
    const probe = new Redis(this.nodes[0].port('redis'));
    try {
      const slot = Number(await probe.cluster('KEYSLOT', key));
      for (const [first, last, master] of await probe.cluster('SLOTS')) {
        if (slot < first || slot > last) continue;
        return this.nodes.find((node) => node.port('redis') === master[1])!;
      }
      throw new Error(`nobody leads slot ${slot}`);
    } finally {
      probe.disconnect();
    }
  }

  /** The first position that the log of a shard still has. */
  async logStart(shard: string): Promise<number> {
    const etcd = await this.#etcd.connect();
    const log = await openShardLog({ etcd, env: systemEnv(), layout: new EtcdLayout(prefix), shard });
    const { head } = await log.state();
    await log.close();
    etcd.close();
    return head;
  }

  /** Takes away what a node has on its disk; it must not run. */
  async lose(node: Member): Promise<void> {
    await rm(`${this.#directory.path}/${node.name}`, { recursive: true });
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await Promise.all(
      [this.gateway, ...this.nodes, this.#tso].map((member) => member.kill().catch(() => {})),
    );
    await this.#etcd.stop();
    await this.#directory.remove();
  }
}
