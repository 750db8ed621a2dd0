/**
 * Batches that are too long for one request to etcd, stored in chunks. Nothing in the log refers to them until an entry
 * does, so they may lie there while others are appended, and harm nothing if no entry ever comes.
 *
 *     position    41   42 (next) ...                42 + ahead
 *     entries     [ ]  [ ] [ ] [in chunks ->]
 *     chunks                                        [0][1][2][3]     the entry is at this position, or before
 *
 * They come one by one, with pauses while etcd has a lot to do: the leases of all shards are renewed beside them. A log
 * that was sealed or dropped takes no chunks. Storing one twice changes nothing.
 */
import { type Env, KvError, pause } from '@holdfast/common';
import { type EtcdStore, endOfPrefix, exists, get, put, remove } from '@holdfast/etcd';
import type { ChunkedBatch, LogKeys, Origin } from './etcd-log-layout.js';
import { type KnownMeta, pairsIn } from './etcd-log-meta.js';
import { chunkPauseMsMax, chunkQuickMs, chunkRetryMs, etcdChunkBytes } from './limits.js';
import type { Position, Staged } from './log.js';

export class StoredBatch implements ChunkedBatch, Staged {
  readonly batch: Uint8Array;
  /** The position that its chunks are stored under: the last one that its entry may have. */
  readonly position: Position;
  /** Of its chunks, and its entry. */
  readonly origin: Origin;

  constructor(batch: Uint8Array, position: Position, origin: Origin) {
    this.batch = batch;
    this.position = position;
    this.origin = origin;
  }

  get chunkCount(): number {
    return Math.ceil(this.batch.length / etcdChunkBytes);
  }
}

export class EtcdBatchStore {
  readonly #etcd: EtcdStore;
  readonly #env: Env;
  readonly #keys: LogKeys;
  readonly #known: KnownMeta;

  constructor(etcd: EtcdStore, env: Env, keys: LogKeys, known: KnownMeta) {
    this.#etcd = etcd;
    this.#env = env;
    this.#keys = keys;
    this.#known = known;
  }

  /**
   * Stores all chunks; when that can't be done, none. What fails for a while is tried again, until `signal` is aborted;
   * without one it is not. Throws KvError DISK, UNAVAILABLE, INVALID when the log is sealed or gone.
   */
  async store(stored: StoredBatch, signal: AbortSignal | null): Promise<void> {
    const { chunkCount } = stored;
    const { clock, timers } = this.#env;
    try {
      for (let index = 0; index < chunkCount; index++) {
        const beganMs = clock.monotonic();
        await this.#storeChunk(stored, index, signal);
        const tookMs = clock.monotonic() - beganMs;
        const isLate = signal !== null && tookMs > chunkQuickMs;
        if (isLate) await pause(timers, Math.min(tookMs, chunkPauseMsMax));
      }
    } catch (error) {
      await this.remove(stored);
      throw error;
    }
  }

  /** Never rejects: what can't be removed now goes with a trim. */
  async remove({ origin, position }: StoredBatch): Promise<void> {
    const chunks = this.#keys.chunksOf(position, origin);
    await this.#etcd
      .transact({ compare: [], success: [remove(chunks, endOfPrefix(chunks))] })
      .catch(() => {});
  }

  async #storeChunk(stored: StoredBatch, index: number, signal: AbortSignal | null): Promise<void> {
    const { head, open } = this.#keys;
    const { batch, origin, position } = stored;
    const bytes = batch.subarray(index * etcdChunkBytes, (index + 1) * etcdChunkBytes);
    const chunk = put(this.#keys.chunk(position, origin, index), Buffer.from(bytes));
    const transaction = {
      compare: [exists(open)],
      success: [chunk],
      failure: [get(head), get(open)],
    };
    for (;;) {
      if (signal?.aborted) throw new KvError('UNAVAILABLE', 'the batch is not wanted any more');
      try {
        const { succeeded, responses } = await this.#etcd.transact(transaction);
        if (succeeded) return;
        this.#known.noteAnswer(responses.flatMap(pairsIn));
        throw new KvError('INVALID', 'the log is sealed');
      } catch (error) {
        if (signal === null || !isForNow(error)) throw error;
        await pause(this.#env.timers, chunkRetryMs);
      }
    }
  }
}

function isForNow(error: unknown): boolean {
  return error instanceof KvError && (error.code === 'UNAVAILABLE' || error.code === 'UNDETERMINED');
}
