export { ClusterCoordinator, type ClusterCoordinatorOptions } from './cluster/cluster-coordinator.js';
export { type ClusterMeta, StaticMeta } from './cluster/cluster-meta.js';
export { EtcdLayout } from './cluster/etcd-layout.js';
export { EtcdMeta, type EtcdMetaOptions } from './cluster/etcd-meta.js';
export { openShardLog, type ShardLogOptions, serverLogOf } from './cluster/etcd-shard-log.js';
export { EtcdShardRegister } from './cluster/etcd-shard-register.js';
export { LogHold, type LogHoldOptions } from './cluster/log-hold.js';
export { NodeChannel } from './cluster/node-channel.js';
export { NodeClaim, type NodeClaimOptions } from './cluster/node-claim.js';
export type { ForwardStream, NodeConnector } from './cluster/node-link.js';
export { decodeNodeRecord, encodeNodeRecord, type NodeRecord } from './cluster/node-record.js';
export { connectionParameters, nodeParameters, shardParameters } from './cluster/parameter-places.js';
export { Router, type RouterOptions } from './cluster/router.js';
export { noShard, ShardMap } from './cluster/shard-map.js';
export { trackingBits, trackingOptionsOf } from './cluster/tracking-mode.js';
export type { Committer } from './committer.js';
export type { Consistency, SharedLog } from './consistency-switch.js';
export * from './contract.js';
export { checkRestored, unfinishedName } from './data-directory.js';
export { checkDirectory, type DirectoryReport } from './directory-check.js';
export { DiscardReply } from './discard-reply.js';
export * from './local.js';
export { LocalCommitter, type LocalCommitterOptions } from './local-committer.js';
export { LocalCoordinator } from './local-coordinator.js';
export type { Forwarding, LocalCoordinatorOptions } from './local-coordinator-options.js';
export { Persistence } from './persistence.js';
export type { PersistenceOptions, RedisFile } from './persistence-options.js';
export { type Recovered, recover } from './recovery.js';
export { Election } from './replicated/election.js';
export { logBytesMaxOf } from './replicated/limits.js';
export type { LogRoom } from './replicated/log-room.js';
export {
  LocalFront,
  type OracleFront,
  RemoteFront,
  type RemoteFrontOptions,
} from './replicated/oracle-front.js';
export { Replica } from './replicated/replica.js';
export { LeaderGuard } from './replicated/replica-guard.js';
export type { ReplicaOptions, ReplicaParts } from './replicated/replica-options.js';
export { type ReplicaPlace, ReplicaState } from './replicated/replica-state.js';
export { ReplicatedCommitter, type ReplicatedCommitterOptions } from './replicated/replicated-committer.js';
export type { Role, RoleChange } from './replicated/role.js';
export { ShardHost, type ShardHostOptions, type ShardPlacement } from './replicated/shard-host.js';
export { MemoryShardRegister, type ShardRegister } from './replicated/shard-register.js';
export { decodeSnapshot, encodeSnapshot } from './replicated/snapshot-frames.js';
export {
  noSnapshots,
  PeerSnapshots,
  type SnapshotPeers,
  type SnapshotSource,
  type SnapshotStream,
} from './replicated/snapshot-source.js';
export type { Timestamps } from './replicated/timestamps.js';
export { SnapshotFiles, type SnapshotName } from './snapshot-files.js';
export { Snapshotter, type SnapshotterOptions } from './snapshotter.js';
