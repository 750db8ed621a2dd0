/** What the service of a cluster is made of, and its client: whoever needs none of it loads no gRPC. */
export { EtcdMarkStore } from './etcd-mark-store.js';
export { RemoteOracle, type RemoteOracleOptions } from './remote-oracle.js';
export { TimestampServer } from './timestamp-server.js';
