/**
 * Everything that a cluster has, as of one timestamp, while writes go on:
 *
 *     hold         nothing of the logs is trimmed
 *     s0  s1 ...   a snapshot of each shard from its leader: of somewhere before the cut
 *     timestamp    above every version in them: the cut
 *     s0  s1 ...   what the log of each says behind its snapshot and up to the cut
 *
 * So a shard is two parts of the file. Its leader answers for the second one once no smaller version can come any more,
 * and once an append that began later is committed: nobody else has led meanwhile. A part whose leader is lost on the way is
 * begun anew at the next one.
 */
import { KvError } from '@holdfast/common';
import { decodeSnapshot, LogHold } from '@holdfast/coord';
import type { AtomicFile } from '@holdfast/log';
import type { AdminClient } from '@holdfast/rpc';
import type { BackupWriter } from '@holdfast/storage';
import type { Cluster } from '../cluster.js';
import { leaderWaitMs, partAttemptsMax } from '../limits.js';
import { writePart } from './backup.js';

export interface ClusterBackup {
  /** Everything up to this version, and nothing beyond it. */
  readonly version: number;
  /** Up to which the log of each shard is in it. */
  readonly positions: Readonly<Record<string, number>>;
}

export interface ClusterBackupOptions {
  readonly cluster: Cluster;
  readonly writer: BackupWriter;
  readonly file: AtomicFile;
  readonly onBatch: () => void;
  readonly onNote: (text: string) => void;
  /** Waits for what the nodes send; what it throws earlier ends the backup. */
  readonly race: <T>(work: Promise<T>) => Promise<T>;
}

/** Throws KvError UNAVAILABLE when a shard has no leader for long or loses one after the other, INVALID without a shard map. */
export async function backUpCluster(options: ClusterBackupOptions): Promise<ClusterBackup> {
  const { cluster, onNote } = options;
  const { etcd, env, layout } = cluster;
  const shards = cluster.meta.map.shards.map(({ shard }) => shard);
  if (shards.length === 0) throw new KvError('INVALID', 'there is no shard map yet: kvctl init makes one');
  const onError = (error: unknown): void =>
    onNote(`the logs could not be held, which is tried again: ${(error as Error).message}`);
  const hold = await LogHold.take({ etcd, env, layout, shards, onError });
  try {
    return await options.race(new Taking(options, hold).run(shards));
  } finally {
    // What can't be released ends with its lease.
    await hold.release().catch(() => {});
  }
}

/** Asks a node for frames. */
type Ask = (admin: AdminClient) => AsyncIterable<Uint8Array>;

class Taking {
  readonly #options: ClusterBackupOptions;
  readonly #hold: LogHold;

  constructor(options: ClusterBackupOptions, hold: LogHold) {
    this.#options = options;
    this.#hold = hold;
  }

  async run(shards: readonly string[]): Promise<ClusterBackup> {
    const { cluster, onNote } = this.#options;
    const reached = new Map<string, number>();
    for (const [i, shard] of shards.entries()) {
      onNote(`${shard}: snapshot, ${i + 1} of ${shards.length}`);
      const { from } = await this.#part(shard, (admin) => admin.snapshot(shard));
      this.#hold.raise(shard, from);
      reached.set(shard, from);
    }
    const version = await this.#ofLeader(shards[0], (admin) => admin.timestamp(cluster.timeoutMs));
    onNote(`as of version ${version}: what was written meanwhile`);
    const positions: Record<string, number> = {};
    for (const shard of shards) {
      const after = reached.get(shard)!;
      const { to } = await this.#part(shard, (admin) => admin.changes(shard, after, version), version);
      positions[shard] = to;
    }
    return { version, positions };
  }

  /** Writes what the leader sends, begun anew when that is lost on the way. From where it is, and up to where. */
  async #part(shard: string, ask: Ask, version?: number): Promise<{ from: number; to: number }> {
    const { file, onBatch, onNote, writer } = this.#options;
    const [mark, { size }] = [writer.mark(), file];
    for (let attempt = 1; ; attempt++) {
      const stream = await this.#ofLeader(shard, (admin) => decodeSnapshot(ask(admin)));
      try {
        const { position } = await writePart({ writer, name: shard, stream, file, onBatch, version });
        return { from: stream.from, to: position };
      } catch (error) {
        if (!canPass(error) || attempt === partAttemptsMax) throw error;
        onNote(`${shard}: begun anew, because ${error.message}`);
        writer.rewind(mark);
        await file.rewind(size);
      }
    }
  }

  /** What the leader answers, whoever that is by then. */
  #ofLeader<T>(shard: string, ask: (admin: AdminClient) => Promise<T>): Promise<T> {
    const { cluster } = this.#options;
    let reason = 'no node leads it';
    return cluster
      .until(
        leaderWaitMs,
        () => `shard ${shard}: ${reason}`,
        async () => {
          const { shards } = await cluster.look();
          const record = cluster.meta.nodes.get(shards.find((view) => view.shard === shard)?.leader ?? '');
          if (record === undefined) return null;
          try {
            return { answer: await ask(cluster.admin(record)) };
          } catch (error) {
            if (!canPass(error)) throw error;
            reason = error.message;
            return null;
          }
        },
      )
      .then(({ answer }) => answer);
  }
}

/** Another one leads, or nobody does for a moment. */
const mayPass: ReadonlySet<string> = new Set(['REFUSED', 'UNAVAILABLE', 'UNDETERMINED']);

function canPass(error: unknown): error is KvError {
  return error instanceof KvError && mayPass.has(error.code);
}
