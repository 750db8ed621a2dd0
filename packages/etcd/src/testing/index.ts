export { DisruptedStore, type Disruption } from './disrupted-store.js';
export { EtcdCluster, type EtcdClusterOptions, EtcdMember } from './etcd-cluster.js';
export { MemoryEtcd } from './memory-etcd.js';
export { MemoryEtcdStore, type MemoryEtcdStoreOptions } from './memory-etcd-store.js';
