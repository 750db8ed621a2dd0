/** A client that keeps values and tracks them, and others that change them. */
import { type PipeClient, TestCluster } from './test-cluster.js';

/** b is of the first shard, c of the second, a of the third; each shard has replicas on all nodes. */
export const three = { shards: 3, nodes: 3 };
/** All keys may have changed. */
export const allChanged = '>[$"invalidate", _null]';

/** These keys changed. */
export const told = (...keys: string[]): string =>
  `>[$"invalidate", *[${keys.map((key) => `$"${key}"`).join(', ')}]]`;

export interface Company {
  readonly cluster: TestCluster;
  /** Keeps values, and tracks them. */
  readonly cache: PipeClient;
  readonly other: PipeClient;
  /** Of another gateway. */
  readonly far: PipeClient;
}

/** `options`: of CLIENT TRACKING ON. */
export function company(options = '', dialect: 2 | 3 = 3): Company {
  const cluster = new TestCluster(three);
  const far = cluster.clientOf(cluster.gateway());
  const cache = cluster.client(dialect);
  const [said] = cache.run(`CLIENT TRACKING ON ${options}`.trim());
  if (said !== '+OK') throw new Error(said);
  return { cluster, cache, other: cluster.client(), far };
}

/** What arrived once there was time for everything. */
export function heard({ cache, cluster }: Company, ms = 500): string[] {
  cluster.env.advance(ms);
  return cache.take();
}

/** Of all replicas: sessions that track. */
export function trackers({ shards }: TestCluster): number {
  return shards
    .flatMap(({ replicas }) => replicas)
    .reduce((n, { coordinator }) => n + coordinator.tracking.size, 0);
}
