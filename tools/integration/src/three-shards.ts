/** The cluster of specs that want several shards: three nodes, each with a replica of all three shards. */
import { afterAll, beforeAll } from 'vitest';
import { ClusterProcesses } from './cluster-processes.js';

/** One of each shard. */
export const keysOfShards = ['a', 'b', 'c'] as const;

/** Starts it before the specs of a file, and ends it behind them. */
export function withThreeShards(take: (cluster: ClusterProcesses) => void): void {
  let cluster: ClusterProcesses | undefined;
  beforeAll(async () => {
    cluster = await ClusterProcesses.start({ nodes: 3, shards: 3 });
    take(cluster);
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
  }, 60_000);
}
