/** What most of what is built upon etcd needs of it: a real one's client, or a test's. */
import type { etcdserverpb } from '@holdfast/rpc';
import type { Compare, Operation } from './operations.js';
import type { Watch, WatchListener } from './watches.js';

export interface Transaction {
  /** All must hold for `success`; otherwise `failure` is done. */
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure?: readonly Operation[];
}

export interface EtcdStore {
  /** Linearizable unless it asks for otherwise. Throws KvError UNAVAILABLE, INVALID (compacted), DENIED. */
  range(request: Partial<etcdserverpb.RangeRequest>): Promise<etcdserverpb.RangeResponse>;
  /**
   * A transaction with a `put` or `remove` in it is ordered by consensus, also when it turns out to do
   * nothing; one that only reads is a read, and may be repeated. Throws what `errorOf` says.
   */
  transact(transaction: Transaction): Promise<etcdserverpb.TxnResponse>;
  /** Tells `listener` of changes to keys in [key, end). A hint: see `WatchListener`. */
  watch(key: Buffer, end: Buffer, listener: WatchListener): Watch;
}
