/**
 * The cluster as a scenario: storage nodes that host replicas of two shards, the logs, the timestamps, and clients.
 *
 * At the end every history must be linearizable, with what was not known as not known; the replicas of a shard must
 * hold the same, and say the same of what was written lately; and all of it must come to be within a time after the last
 * fault.
 */
import { hashSlotOf, type Random, randomBelow } from '@holdfast/common';
import type { ShardHost, ShardPlacement } from '@holdfast/coord';
import { SimulatedDisk } from '@holdfast/log/testing';
import { digestOf } from '@holdfast/storage/testing';
import { assertLinearizable, History } from '@holdfast/testing';
import type { NodeLife, Scenario, ScenarioRun, Simulation } from '@holdfast/testing/simulation';
import { MemoryHighWaterMark } from '@holdfast/tso';
import { Client } from './client.js';
import { clusterFaults, type ServiceFaults, serviceFaults } from './faults.js';
import { LogNode, logNode } from './log-node.js';
import type { Mistake } from './mistakes.js';
import { models } from './models.js';
import { Pasts } from './pasts.js';
import { Places, type StorageKind } from './places.js';
import { Referee } from './referee.js';
import { runStorageNode } from './storage-node.js';
import { serveTimestamps, timestampNode } from './timestamp-node.js';
import type { Kind } from './workload.js';

const nodes = ['a', 'b', 'c'];
const clients = ['client1', 'client2', 'client3'];
const kinds: readonly Kind[] = ['register', 'counter', 'list', 'set', 'transaction', 'expiring'];

const twoShards: readonly ShardPlacement[] = [
  { shard: 'low', slots: [[0, 8191]], nodes },
  { shard: 'high', slots: [[8192, 16383]], nodes },
];
const oneShard: readonly ShardPlacement[] = [{ shard: 'low', slots: [[0, 16383]], nodes }];

const compareIntervalMs = 50;
const readIntervalMs = 15;

export interface ClusterOptions {
  readonly mistake?: Mistake | null;
  /** What the replicas keep their data in; memory when not given. */
  readonly storage?: StorageKind;
  readonly faultsMs?: number;
  /** By client: of its reads, how many of 100 rest on the lease. */
  readonly leaseShares?: readonly number[];
  /** A random profile unless given. */
  readonly profileOf?: Scenario['profileOf'];
}

export function cluster(options: ClusterOptions = {}): Scenario {
  const { faultsMs = 1000, mistake = null, profileOf = clusterFaults } = options;
  return {
    name: mistake === null ? 'a cluster' : `a cluster with the mistake: ${mistake}`,
    faultsMs,
    quietMs: 20_000,
    profileOf,
    prepare: (simulation) => new Cluster(simulation, options).run(faultsMs),
  };
}

/** The disk of a node, which is replaced by an empty one when its machine is. */
class Machine {
  disk: SimulatedDisk;
  places: Places;
  readonly #random: Random;
  readonly #storage: StorageKind;

  constructor(random: Random, storage: StorageKind) {
    this.#random = random;
    this.#storage = storage;
    this.disk = new SimulatedDisk(random.uint32());
    this.places = new Places(this.disk, storage);
  }

  crash(): void {
    this.disk.crash();
  }

  kill(): void {
    this.disk.kill();
  }

  replace(): void {
    this.disk = new SimulatedDisk(this.#random.uint32());
    this.places = new Places(this.disk, this.#storage);
  }
}

class Cluster {
  readonly #simulation: Simulation;
  readonly #mistake: Mistake | null;
  readonly #storage: StorageKind;
  readonly #leaseShares: readonly number[];
  readonly #random: Random;
  readonly #placements: readonly ShardPlacement[];
  readonly #log: LogNode;
  readonly #faults: ServiceFaults;
  readonly #referee: Referee;
  readonly #pasts: Pasts;
  /** By node: what runs there now. */
  readonly #hosts = new Map<string, { readonly life: NodeLife; readonly host: ShardHost }>();
  readonly #histories: Record<Kind, History>;
  readonly #machines = new Map<string, Machine>();
  readonly #done = new Set<string>();
  #isQuiet = false;
  #isConverged = false;

  constructor(simulation: Simulation, options: ClusterOptions) {
    const { leaseShares = [0, 50, 100], mistake = null, storage = 'memory' } = options;
    this.#simulation = simulation;
    this.#storage = storage;
    this.#mistake = mistake;
    this.#leaseShares = leaseShares;
    this.#random = simulation.env.random;
    this.#placements = randomBelow(this.#random, 3) === 0 ? twoShards : oneShard;
    this.#faults = serviceFaults(this.#random);
    this.#referee = new Referee(() => simulation.nowMs);
    const shards = this.#placements.map(({ shard }) => shard);
    this.#pasts = new Pasts(simulation.seed, shards);
    const delay = (ms: number, run: () => void): void => {
      simulation.schedule(simulation.nowMs + ms, run);
    };
    this.#log = new LogNode(this.#random, delay, this.#faults);
    const history = (): History => new History({ clock: simulation.clockNs });
    this.#histories = Object.fromEntries(kinds.map((kind) => [kind, history()])) as Record<Kind, History>;
  }

  run(faultsMs: number): ScenarioRun {
    this.#addServices();
    this.#addStorageNodes();
    this.#addClients();
    this.#replaceLater(faultsMs);
    this.#readHistoryLater();
    this.#compareLater();
    return {
      onQuiet: () => {
        this.#isQuiet = true;
        this.#log.becomeWell();
      },
      isDone: () => this.#done.size === clients.length && this.#isConverged,
      check: () => {
        for (const kind of kinds) assertLinearizable(this.#histories[kind], models[kind]);
        this.#referee.check();
        for (const { shard, version, what } of this.#referee.writes)
          this.#pasts.checkWritten(shard, version, what);
      },
    };
  }

  #addServices(): void {
    this.#simulation.addNode(logNode, { program: (life) => this.#log.run(life), isFaulty: false });
    const mark = new MemoryHighWaterMark();
    this.#simulation.addNode(timestampNode, { program: (life) => serveTimestamps(life, mark) });
  }

  #addStorageNodes(): void {
    const leaseMs = 60 + randomBelow(this.#random, 200);
    const keep = {
      intervalMs: 20 + randomBelow(this.#random, 200),
      logBytes: 50 << randomBelow(this.#random, 8),
      sizeShare: 0,
    };
    const historyBytes = 2000 << (this.#simulation.seed % 6);
    for (const name of nodes) {
      const machine = new Machine(this.#random, this.#storage);
      this.#machines.set(name, machine);
      const program = (life: NodeLife): Promise<void> =>
        runStorageNode(life, {
          placements: this.#placements,
          nodes,
          places: machine.places,
          leaseMs,
          keep,
          historyBytes,
          damageRate: () => (this.#isQuiet ? 0 : this.#faults.damageRate),
          mistake: this.#mistake,
          onHost: (host) => this.#hosts.set(name, { life, host }),
        });
      this.#simulation.addNode(name, { program, disks: [machine] });
    }
  }

  #addClients(): void {
    const pauseMs = 2 + randomBelow(this.#random, 40);
    for (const [i, name] of clients.entries()) {
      const program = (life: NodeLife): Promise<void> =>
        new Client(life, {
          nodes,
          shardOf: (key) => this.#shardOf(key),
          histories: this.#histories,
          referee: this.#referee,
          leaseShare: this.#leaseShares[i],
          pauseMs,
          isQuiet: () => this.#isQuiet,
          onDone: () => this.#done.add(name),
        }).run();
      this.#simulation.addNode(name, { program, isFaulty: false });
    }
  }

  /** In half of the runs one machine is replaced by an empty one. More than one could take all copies with it. */
  #replaceLater(faultsMs: number): void {
    const name = nodes[randomBelow(this.#random, nodes.length)];
    const atMs = faultsMs / 3 + randomBelow(this.#random, faultsMs * 1.4);
    this.#simulation.schedule(atMs, () => {
      if (this.#isQuiet) return;
      this.#simulation.trace.add(name, 'is replaced by an empty machine');
      const node = this.#simulation.node(name);
      node.crash('power');
      this.#machines.get(name)!.replace();
      node.start();
    });
  }

  /** The readers of histories go on, at whatever nodes there are. */
  #readHistoryLater(): void {
    this.#simulation.schedule(this.#simulation.nowMs + readIntervalMs, () => {
      const alive = [...this.#hosts.values()].filter(({ life }) => life.isAlive);
      const hosts = alive.map(({ host }) => host);
      const read = hosts.length === 0 ? Promise.resolve() : this.#pasts.read(hosts);
      read.catch((error: unknown) => this.#simulation.fail(error));
      this.#readHistoryLater();
    });
  }

  /** Looks now and then whether all replicas hold the same, once the clients are done. */
  #compareLater(): void {
    this.#simulation.schedule(this.#simulation.nowMs + compareIntervalMs, () => {
      if (this.#done.size < clients.length) return this.#compareLater();
      void this.#compare().then((isConverged) => {
        this.#isConverged = isConverged;
        if (!isConverged) this.#compareLater();
      });
    });
  }

  async #compare(): Promise<boolean> {
    const hosts = [...this.#hosts.values()].filter(({ life }) => life.isAlive);
    if (hosts.length < nodes.length) return false;
    for (const { shard } of this.#placements) {
      const digests = new Set<string>();
      for (const { host } of hosts) {
        digests.add(await digestOf(host.replica(shard)!.coordinator.kv.storage));
      }
      if (digests.size > 1) return false;
    }
    return true;
  }

  #shardOf(key: string): string {
    const bytes = Buffer.from(key);
    const slot = hashSlotOf(bytes, 0, bytes.length);
    return this.#placements.find(({ slots: [[first, last]] }) => first <= slot && slot <= last)!.shard;
  }
}
