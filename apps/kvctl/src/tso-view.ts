/** The timestamp service, as its mark in etcd tells of it and as it answers. */
import { KvError } from '@holdfast/common';
import { oracleEpochMs, timestampsPerMs } from '@holdfast/tso';
import { EtcdMarkStore, RemoteOracle } from '@holdfast/tso/remote';
import type { Cluster } from './cluster.js';

export interface TsoView {
  /** `host:port`; empty when nobody leads. */
  readonly leader: string;
  /** No timestamp above it was given away. */
  readonly mark: number;
  /** When it will be that late, by the clock of this machine's calendar. */
  readonly markTime: string;
  readonly holdMs: number;
  /** One that was given now; 0 when none was. */
  readonly timestamp: number;
  readonly problems: readonly string[];
}

export async function tsoView(cluster: Cluster): Promise<TsoView> {
  const { credentials, etcd, layout, env, timeoutMs } = cluster;
  const { record } = await new EtcdMarkStore({ etcd, key: `${layout.prefix}timestamps` }).read();
  if (record === null) {
    // With one shard, its leader's own clock will do.
    const isNeeded = cluster.meta.map.shards.length > 1;
    return viewWith(0, '', 0, 0, isNeeded ? 'no timestamp service has ever run here' : null);
  }
  const { mark, address, holdMs, isReleased } = record;
  if (isReleased) return viewWith(mark, '', holdMs, 0, 'no instance of the timestamp service leads');
  const oracle = new RemoteOracle({ env, endpoints: [address], timeoutMs, credentials });
  try {
    return viewWith(mark, address, holdMs, await oracle.fetch(1), null);
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    const problem = `the timestamp service at ${address} gives no timestamps: ${error.message}`;
    return viewWith(mark, '', holdMs, 0, problem);
  } finally {
    await oracle.close();
  }
}

function viewWith(
  mark: number,
  leader: string,
  holdMs: number,
  timestamp: number,
  problem: string | null,
): TsoView {
  const markTime = new Date(oracleEpochMs + Math.floor(mark / timestampsPerMs)).toISOString();
  return { leader, mark, markTime, holdMs, timestamp, problems: problem === null ? [] : [problem] };
}
