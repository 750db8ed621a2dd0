/** A cluster, as the command gets at it: its record in etcd, and its nodes. */
import { type Env, KvError } from '@holdfast/common';
import { EtcdLayout, EtcdMeta, type NodeRecord } from '@holdfast/coord';
import { Etcd } from '@holdfast/etcd';
import { AdminClient, type admin, type PeerCredentials, peerCredentials } from '@holdfast/rpc';
import type { Access } from './access.js';
import { lookTimeoutMs, pollMs } from './limits.js';
import { type ClusterView, type NodeAnswer, viewOf } from './view.js';

export class Cluster {
  readonly etcd: Etcd;
  readonly layout: EtcdLayout;
  readonly meta: EtcdMeta;
  readonly env: Env;
  readonly timeoutMs: number;
  /** Of connections to the cluster's processes. */
  readonly credentials: PeerCredentials;
  readonly #admins = new Map<string, AdminClient>();

  /** Throws KvError UNAVAILABLE, INVALID, DENIED. */
  static async open(access: Access, env: Env): Promise<Cluster> {
    const { endpoints, peers, prefix, timeoutMs, tls, user } = access;
    const etcd = await Etcd.open({
      endpoints,
      env,
      callTimeoutMs: timeoutMs,
      ...(tls && { tls }),
      ...(user && { user }),
    });
    try {
      const layout = new EtcdLayout(prefix);
      const meta = await Promise.race([EtcdMeta.open({ etcd, env, layout }), withoutMajority(etcd)]);
      return new Cluster(etcd, layout, meta, env, timeoutMs, peerCredentials(peers));
    } catch (error) {
      etcd.close();
      throw error;
    }
  }

  private constructor(
    etcd: Etcd,
    layout: EtcdLayout,
    meta: EtcdMeta,
    env: Env,
    timeoutMs: number,
    credentials: PeerCredentials,
  ) {
    this.credentials = credentials;
    this.etcd = etcd;
    this.layout = layout;
    this.meta = meta;
    this.env = env;
    this.timeoutMs = timeoutMs;
  }

  /** Asks every node at once, and waits so long for those that do not answer. */
  async view(timeoutMs = this.timeoutMs): Promise<ClusterView> {
    const { map, nodes } = this.meta;
    const answers = await Promise.all(
      [...nodes.values()].map(
        async (record): Promise<[string, NodeAnswer]> => [record.node, await this.#ask(record, timeoutMs)],
      ),
    );
    return viewOf(map, nodes, new Map(answers));
  }

  /** The same, for whoever waits for something: again and again, so one node that stands still must not take all the time. */
  look(): Promise<ClusterView> {
    return this.view(Math.min(this.timeoutMs, lookTimeoutMs));
  }

  /** Throws KvError INVALID when there is no such node. */
  record(node: string): NodeRecord {
    const record = this.meta.nodes.get(node);
    if (record !== undefined) return record;
    const names = [...this.meta.nodes.keys()].join(', ') || 'none';
    throw new KvError('INVALID', `there is no node '${node}'; the nodes are: ${names}`);
  }

  /** Throws KvError INVALID when there is no such shard. */
  checkShard(shard: string): void {
    const names = this.meta.map.shards.map((placement) => placement.shard);
    if (names.includes(shard)) return;
    throw new KvError(
      'INVALID',
      `there is no shard '${shard}'; the shards are: ${names.join(', ') || 'none'}`,
    );
  }

  admin(record: NodeRecord): AdminClient {
    const known = this.#admins.get(record.node);
    if (known?.address === record.addresses.node) return known;
    known?.close();
    const client = new AdminClient({
      address: record.addresses.node,
      env: this.env,
      credentials: this.credentials,
    });
    this.#admins.set(record.node, client);
    return client;
  }

  /**
   * Resolves with what `check` returns once that is not null. Throws KvError UNAVAILABLE after `timeoutMs`, with what
   * was waited for.
   */
  async until<T>(
    timeoutMs: number,
    what: string | (() => string),
    check: () => Promise<T | null>,
  ): Promise<T> {
    const untilMs = this.env.clock.monotonic() + timeoutMs;
    for (;;) {
      const result = await check();
      if (result !== null) return result;
      if (this.env.clock.monotonic() > untilMs) {
        const text = typeof what === 'string' ? what : what();
        throw new KvError('UNAVAILABLE', `gave up after ${timeoutMs} ms: ${text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  close(): void {
    for (const client of this.#admins.values()) client.close();
    this.meta.close();
    this.etcd.close();
  }

  async #ask(record: NodeRecord, timeoutMs: number): Promise<NodeAnswer> {
    try {
      const status: admin.StatusResponse = await this.admin(record).status(timeoutMs);
      if (status.name === record.node) return { status };
      return { problem: `at ${record.addresses.node} is ${status.name || 'something else'}` };
    } catch (error) {
      return { problem: (error as Error).message };
    }
  }
}

/**
 * Rejects once it is known that no majority of etcd's members answers: nothing can be read then, however often it is tried.
 * Otherwise it is never settled.
 */
async function withoutMajority(etcd: Etcd): Promise<never> {
  const { addresses } = etcd;
  const answers = await Promise.allSettled(addresses.map((address) => etcd.status(address)));
  const silent = addresses.filter((_, i) => answers[i].status === 'rejected');
  if (silent.length * 2 < addresses.length) return new Promise(() => {});
  const names = silent.join(', ');
  throw new KvError(
    'UNAVAILABLE',
    `etcd has no majority: of ${addresses.length} members ${names} can't be reached`,
  );
}
