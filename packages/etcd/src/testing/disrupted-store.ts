/**
 * An etcd whose transactions fail as a test says: the request is lost, the answer is lost, or the request
 * arrives only when the test lets it. Everything else passes.
 */
import { KvError } from '@holdfast/common';
import type { etcdserverpb } from '@holdfast/rpc';
import type { EtcdStore, Transaction } from '../etcd-store.js';
import type { Watch, WatchListener } from '../watches.js';

/** How one request fails. */
export type Disruption = 'request lost' | 'response lost' | 'request late';

export class DisruptedStore implements EtcdStore {
  readonly #store: EtcdStore;
  /** Which transactions can be picked; the others pass. */
  readonly #isPicked: (transaction: Transaction) => boolean;
  #disruption: Disruption | null = null;
  #late: Transaction | null = null;

  constructor(store: EtcdStore, isPicked: (transaction: Transaction) => boolean = () => true) {
    this.#store = store;
    this.#isPicked = isPicked;
  }

  /** The next transaction that can be picked fails in this way. */
  disrupt(disruption: Disruption): void {
    this.#disruption = disruption;
  }

  /** Lets the late transaction arrive, and resolves when etcd has handled it. */
  async deliverLate(): Promise<void> {
    const late = this.#late;
    this.#late = null;
    if (late !== null) await this.#store.transact(late);
  }

  range(request: Partial<etcdserverpb.RangeRequest>): Promise<etcdserverpb.RangeResponse> {
    return this.#store.range(request);
  }

  watch(key: Buffer, end: Buffer, listener: WatchListener): Watch {
    return this.#store.watch(key, end, listener);
  }

  async transact(transaction: Transaction): Promise<etcdserverpb.TxnResponse> {
    if (this.#disruption === null || !this.#isPicked(transaction)) return this.#store.transact(transaction);
    const disruption = this.#disruption;
    this.#disruption = null;
    if (disruption === 'request late') this.#late = transaction;
    if (disruption === 'response lost') await this.#store.transact(transaction);
    throw new KvError('UNDETERMINED', `a test made this fail: ${disruption}`);
  }
}
