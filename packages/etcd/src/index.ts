export { parseEndpoint } from './endpoints.js';
export { Etcd, type EtcdOptions } from './etcd.js';
export { isCompacted } from './etcd-error.js';
export { EtcdKeeper, type EtcdKeeperOptions, type EtcdSpace } from './etcd-keeper.js';
export type { EtcdStore, Transaction } from './etcd-store.js';
export { requestBytesMax, transactionOpsMax } from './limits.js';
export {
  type Compare,
  endOfPrefix,
  exists,
  get,
  type Operation,
  put,
  remove,
  revisionIs,
  valueIs,
  versionIs,
} from './operations.js';
export { supportedEtcd, type VersionPolicy, versionProblem } from './versions.js';
export type { Watch, WatchListener } from './watches.js';
