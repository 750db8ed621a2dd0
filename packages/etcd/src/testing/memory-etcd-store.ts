/** A client of a `MemoryEtcd` in the same process, over a way that a test may make bad. */
import { KvError, type Random } from '@holdfast/common';
import type { etcdserverpb } from '@holdfast/rpc';
import type { EtcdStore, Transaction } from '../etcd-store.js';
import type { Watch, WatchListener } from '../watches.js';
import type { MemoryEtcd } from './memory-etcd.js';

export interface MemoryEtcdStoreOptions {
  readonly etcd: MemoryEtcd;
  /**
   * Lets `operate` happen at the store, and resolves with what it gives. Throws KvError UNAVAILABLE when no answer
   * came, and then it may have happened, or may yet happen.
   */
  readonly call?: <T>(operate: () => T) => Promise<T>;
  /** Lets `run` happen here, sooner or later or never: what the store tells by itself. */
  readonly notify?: (run: () => void) => void;
  /** Reads are answered with data that is old, sometimes: what an etcd with defects does. */
  readonly stale?: { readonly random: Random; readonly share: number; readonly revisions: number };
}

export class MemoryEtcdStore implements EtcdStore {
  readonly #etcd: MemoryEtcd;
  readonly #call: <T>(operate: () => T) => Promise<T>;
  readonly #notify: (run: () => void) => void;
  readonly #stale: MemoryEtcdStoreOptions['stale'];

  constructor({ etcd, call, notify, stale }: MemoryEtcdStoreOptions) {
    this.#etcd = etcd;
    this.#call = call ?? (async (operate) => operate());
    this.#notify = notify ?? ((run) => run());
    this.#stale = stale;
  }

  range(request: Partial<etcdserverpb.RangeRequest>): Promise<etcdserverpb.RangeResponse> {
    return this.#call(() =>
      this.#etcd.range({ ...request, revision: request.revision || this.#readRevision() }),
    );
  }

  async transact(transaction: Transaction): Promise<etcdserverpb.TxnResponse> {
    const { success, failure = [] } = transaction;
    const isRead = [...success, ...failure].every(({ request }) => request?.$case === 'requestRange');
    try {
      return await this.#call(() => this.#etcd.transact(transaction));
    } catch (error) {
      if (isRead || !(error instanceof KvError) || error.code !== 'UNAVAILABLE') throw error;
      throw new KvError('UNDETERMINED', error.message, { cause: error });
    }
  }

  watch(key: Buffer, end: Buffer, listener: WatchListener): Watch {
    const watch = this.#etcd.watch(key, end, (events) => this.#notify(() => listener.onEvents(events)));
    this.#notify(() => listener.onStart());
    return watch;
  }

  /** 0 for the newest. */
  #readRevision(): number {
    if (this.#stale === undefined) return 0;
    const { random, share, revisions } = this.#stale;
    if (random.uint32() >= share * 0x100000000) return 0;
    return Math.max(1, this.#etcd.revision - (random.uint32() % revisions));
  }
}
