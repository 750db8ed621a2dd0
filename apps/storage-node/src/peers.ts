/** The other nodes, for a replica that needs more than the log still has: `kv.v1.Admin` of each serves snapshots. */
import type { Env } from '@holdfast/common';
import type { ClusterMeta, SnapshotPeers } from '@holdfast/coord';
import { AdminClient, type PeerCredentials } from '@holdfast/rpc';

export interface PeersOptions {
  readonly meta: ClusterMeta;
  readonly env: Env;
  /** This node. */
  readonly node: string;
  /** The node that leads a shard, as far as is known here. */
  readonly leaderOf: (shard: string) => string | null;
  readonly credentials: PeerCredentials;
}

export class Peers implements SnapshotPeers {
  readonly #options: PeersOptions;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Followers first: the leader has enough to do. */
  nodesOf(shard: string): string[] {
    const { leaderOf, meta, node } = this.#options;
    const placement = meta.map.shards.find((each) => each.shard === shard);
    const others = (placement?.nodes ?? []).filter((name) => name !== node && meta.nodes.has(name));
    const leader = leaderOf(shard);
    return [...others.filter((name) => name !== leader), ...others.filter((name) => name === leader)];
  }

  async *open(node: string, shard: string): AsyncGenerator<Uint8Array> {
    const { credentials, env, meta } = this.#options;
    const client = new AdminClient({ address: meta.nodes.get(node)!.addresses.node, env, credentials });
    try {
      yield* client.snapshot(shard);
    } finally {
      client.close();
    }
  }
}
