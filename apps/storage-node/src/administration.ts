/** What an operator can have a storage node do, and what it says of itself. */
import { type Env, KvError } from '@holdfast/common';
import type { EtcdMeta, NodeRecord, ShardHost } from '@holdfast/coord';
import { type Administration, type ProcessStatus, replicaRoles, replicaStatusOf } from '@holdfast/protocol';
import { AdminClient, admin, peerCredentials } from '@holdfast/rpc';
import { versionOf } from '@holdfast/service';
import type { Logger } from 'pino';
import type { Settings } from './settings.js';

/** How long another node may take to say how it is, in ms. */
const askTimeoutMs = 500;

/** How long a node that is being drained waits before it gives away what it got meanwhile, or could not give away, in ms. */
const drainAgainMs = 1000;

export interface NodeAdministrationOptions {
  readonly settings: Settings;
  readonly env: Env;
  readonly logger: Logger;
  readonly meta: EtcdMeta;
  readonly host: ShardHost;
  /** Redis clients that are connected. */
  readonly clients: () => number;
  /** Why it does not do its work; null when it does. */
  readonly refusal: () => string | null;
}

const version = versionOf(new URL('../package.json', import.meta.url));

type Fitness = (replica: admin.ReplicaStatus) => boolean;

const isAnyFit: Fitness = () => true;

export class NodeAdministration implements Administration {
  readonly #options: NodeAdministrationOptions;
  readonly #beganMs: number;
  #isDraining = false;
  /** It tries again soon. */
  #isDrainDue = false;

  constructor(options: NodeAdministrationOptions) {
    this.#options = options;
    const { env, host } = options;
    this.#beganMs = env.clock.monotonic();
    host.onRole(({ role }) => {
      if (role === 'leader' && this.#isDraining) this.#drainLater();
    });
  }

  status(): ProcessStatus {
    const { clients, env, host, refusal, settings } = this.#options;
    const replicas = [...host.replicas()].map((replica) =>
      replicaStatusOf(replica, host.durablePositionOf(replica.shard), host.diskFailureOf(replica.shard)),
    );
    return admin.StatusResponse.create({
      kind: admin.ProcessKind.PROCESS_KIND_STORAGE_NODE,
      name: host.node,
      version,
      pid: process.pid,
      uptimeMs: Math.round(env.clock.monotonic() - this.#beganMs),
      log: 'etcd',
      storage: settings.storage,
      dataBytes: replicas.reduce((sum, { dataBytes }) => sum + dataBytes, 0),
      clients: clients(),
      refusal: refusal() ?? '',
      isDraining: this.#isDraining,
      replicas,
    });
  }

  async moveLead(shard: string, to: string): Promise<void> {
    const { host, meta } = this.#options;
    const replica = host.replica(shard);
    if (replica === null) throw new KvError('INVALID', `${host.node} has no replica of shard ${shard}`);
    const nodes = meta.map.shards.find((placement) => placement.shard === shard)?.nodes ?? [];
    if (!nodes.includes(to)) throw new KvError('INVALID', `node ${to} has no replica of shard ${shard}`);
    if (replica.role !== 'leader') throw new KvError('REFUSED', `${host.node} does not lead shard ${shard}`);
    if (to === host.node) return;
    // A lead that nobody takes is nobody's for the time of an election.
    const record = meta.nodes.get(to);
    if (record === undefined || !(await this.#canLead(record, shard))) {
      throw new KvError('UNAVAILABLE', `node ${to} could not lead shard ${shard} now: ${host.node} keeps it`);
    }
    await replica.handOver(to);
  }

  /** What could not be given away is tried again, until the draining is ended. */
  async drain(isDraining: boolean): Promise<number> {
    this.#isDraining = isDraining;
    if (!isDraining) return 0;
    try {
      return await this.#giveLeadsAway();
    } catch (error) {
      this.#drainLater();
      throw error;
    }
  }

  snapshot(shard: string): AsyncIterable<Uint8Array> {
    return this.#options.host.snapshotFrames(shard);
  }

  timestamp(): Promise<number> {
    return this.#options.host.oracle.fetch(1);
  }

  changes(shard: string, after: number, version: number): AsyncIterable<Uint8Array> {
    return this.#options.host.changeFrames(shard, after, version);
  }

  history(shard: string, after: number, version: number): AsyncIterable<Uint8Array> {
    return this.#options.host.historyFrames(shard, after, version);
  }

  /** Gives the leads of shards away of which the disk here takes nothing, to nodes whose disks do, if there are any. */
  async leaveFailingDisks(): Promise<void> {
    const { host, logger } = this.#options;
    for (const { role, shard } of host.replicas()) {
      if (role !== 'leader' || host.diskFailureOf(shard) === null) continue;
      const to = await this.#successorOf(shard, (replica) => replica.diskFailure === '').catch(() => null);
      if (to === null) continue;
      logger.warn({ shard, to }, 'the disk takes nothing: the lead is given away');
      await host.replica(shard)?.handOver(to);
    }
  }

  async #giveLeadsAway(): Promise<number> {
    let moved = 0;
    let failure: unknown = null;
    for (const replica of this.#options.host.replicas()) {
      if (replica.role !== 'leader') continue;
      try {
        await replica.handOver(await this.#successorOf(replica.shard));
        moved++;
      } catch (error) {
        // The others may go all the same.
        failure ??= error;
      }
    }
    if (failure !== null) throw failure;
    return moved;
  }

  #drainLater(): void {
    if (this.#isDrainDue) return;
    this.#isDrainDue = true;
    const { env, logger } = this.#options;
    env.timers.setTimeout(() => {
      this.#isDrainDue = false;
      if (!this.#isDraining) return;
      this.drain(true).catch((err: unknown) => logger.warn({ err }, 'a lead could not be given away'));
    }, drainAgainMs);
  }

  /** A node that can lead now. Throws KvError UNAVAILABLE when there is none. */
  async #successorOf(shard: string, isFit: Fitness = isAnyFit): Promise<string> {
    const { host, meta } = this.#options;
    const nodes = meta.map.shards.find((placement) => placement.shard === shard)?.nodes ?? [];
    for (const node of nodes) {
      const record = meta.nodes.get(node);
      if (node !== host.node && record !== undefined && (await this.#canLead(record, shard, isFit)))
        return node;
    }
    throw new KvError('UNAVAILABLE', `no other node could lead shard ${shard} now: ${host.node} keeps it`);
  }

  async #canLead({ addresses }: NodeRecord, shard: string, isFit: Fitness = isAnyFit): Promise<boolean> {
    const client = new AdminClient({
      address: addresses.node,
      env: this.#options.env,
      credentials: peerCredentials(this.#options.settings.peers),
    });
    try {
      const { isDraining, replicas } = await client.status(askTimeoutMs);
      return (
        !isDraining &&
        replicas.some(
          (replica) => replica.shard === shard && replica.role === replicaRoles.follower && isFit(replica),
        )
      );
    } catch {
      return false;
    } finally {
      client.close();
    }
  }
}
