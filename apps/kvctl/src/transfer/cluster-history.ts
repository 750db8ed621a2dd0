/**
 * What was written to a cluster behind its backup, out of the histories that the replicas of each shard keep in memory:
 *
 *     s0    leader -----> lost ...... another replica ----->        each goes on behind the last version that came
 *     s1    leader ------------------------------------->
 *
 * The leader is asked first, which makes sure that it has everything. Any other replica will do that reaches from one
 * version to the other: one that was started lately does not reach so far back, and one that is behind not so far on.
 */
import { KvError } from '@holdfast/common';
import { decodeSnapshot, type NodeRecord } from '@holdfast/coord';
import { BatchWrites } from '@holdfast/storage';
import type { Cluster } from '../cluster.js';
import { leaderWaitMs, partAttemptsMax } from '../limits.js';
import type { PartBatch } from './apart.js';
import type { HistorySource } from './history-source.js';

export class ClusterHistory implements HistorySource {
  readonly #cluster: Cluster;
  readonly #writes = new BatchWrites();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async *batches(
    shards: ReadonlySet<string>,
    after: number,
    upTo: number,
  ): AsyncGenerator<PartBatch, void, void> {
    for (const part of shards)
      for await (const batch of this.#ofShard(part, after, upTo)) yield { part, batch };
  }

  async close(): Promise<void> {
    this.#cluster.close();
  }

  async *#ofShard(shard: string, after: number, upTo: number): AsyncGenerator<Uint8Array, void, void> {
    let at = after;
    for (let attempts = 1; ; attempts++) {
      const stream = await this.#begin(shard, at, upTo);
      try {
        for await (const batch of stream) {
          yield batch;
          at = this.#writes.lastVersion(batch);
          attempts = 1;
        }
        return;
      } catch (error) {
        if (!canGoOn(error) || attempts === partAttemptsMax) throw error;
      }
    }
  }

  /** What the first replica gives that can. Throws KvError UNAVAILABLE, COMPACTED, INVALID. */
  async #begin(shard: string, after: number, upTo: number): Promise<AsyncIterable<Uint8Array>> {
    let reason: KvError | null = null;
    const what = (): string => `the history of shard ${shard}: ${reason?.message ?? 'no node has a replica'}`;
    return this.#cluster.until(leaderWaitMs, what, async () => {
      const refusals: KvError[] = [];
      for (const record of await this.#replicas(shard)) {
        try {
          const frames = this.#cluster.admin(record).history(shard, after, upTo);
          return (await decodeSnapshot(frames)).batches;
        } catch (error) {
          if (!(error instanceof KvError)) throw error;
          reason = new KvError(error.code, `${record.node}: ${error.message}`, { version: error.version });
          refusals.push(reason);
        }
      }
      if (refusals.length > 0 && refusals.every(({ code }) => !mayPass.has(code))) throw refusals[0];
      return null;
    });
  }

  /** The leader first. */
  async #replicas(shard: string): Promise<NodeRecord[]> {
    const { shards } = await this.#cluster.look();
    const view = shards.find((each) => each.shard === shard);
    if (view === undefined) throw new KvError('INVALID', `the cluster has no shard ${shard}`);
    const names = [view.leader ?? '', ...view.replicas.map(({ node }) => node)];
    const records = [...new Set(names)].map((name) => this.#cluster.meta.nodes.get(name));
    return records.filter((record) => record !== undefined);
  }
}

/** The same replica may have it in a moment. */
const mayPass: ReadonlySet<string> = new Set(['REFUSED', 'UNAVAILABLE', 'UNDETERMINED']);

/** Another one may have the rest. */
function canGoOn(error: unknown): boolean {
  return error instanceof KvError && (mayPass.has(error.code) || error.code === 'COMPACTED');
}
