export { DisruptedStore, type Disruption } from './disrupted-store.js';
export { EtcdCluster, type EtcdClusterOptions, EtcdMember } from './etcd-cluster.js';
