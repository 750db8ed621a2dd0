/** Where the node's versions come from: the timestamp service, or this machine's clock while there is one shard. */
import type { Env } from '@holdfast/common';
import { LocalFront, type OracleFront, RemoteFront, type ShardMap } from '@holdfast/coord';
import { FileHighWaterMark, type NodeDisk } from '@holdfast/log';
import { peerCredentials } from '@holdfast/rpc';
import { LocalOracle } from '@holdfast/tso';
import { RemoteOracle } from '@holdfast/tso/remote';
import type { Settings } from './settings.js';

/**
 * How long a write waits for timestamps before it is said that it was not executed, in ms: a bit longer than another instance
 * of the service takes to lead. One that comes while others wait does so behind them: twice as long at most.
 */
const timestampTimeoutMs = 5000;

export interface NodeTimestamps {
  readonly front: OracleFront;
  close(): Promise<void>;
}

/** `map`: the newest that the node knows. */
export async function openTimestamps(
  { directory, peers, tso }: Settings,
  env: Env,
  disk: NodeDisk,
  map: () => ShardMap,
): Promise<NodeTimestamps> {
  if (tso.length > 0) {
    const credentials = peerCredentials(peers);
    const oracle = new RemoteOracle({ env, endpoints: tso, credentials, timeoutMs: timestampTimeoutMs });
    const front = new RemoteFront({ source: oracle, env, isOneShard: () => map().shards.length === 1 });
    const close = async (): Promise<void> => {
      await front.close();
      await oracle.close();
    };
    return { front, close };
  }
  const mark = new FileHighWaterMark({ disk, path: `${directory}/timestamps` });
  const oracle = await LocalOracle.open({ env, mark });
  return { front: new LocalFront(oracle), close: () => oracle.close() };
}

/** Why a node must not take part in a cluster of this map; null when it may. */
export function problemOf({ tso }: Settings, { shards }: ShardMap): string | null {
  if (tso.length > 0 || shards.length <= 1) return null;
  return `the cluster has ${shards.length} shards, whose versions need a common clock: --tso is missing`;
}
