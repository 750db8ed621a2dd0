/** What a process says of one of its replicas. */
import { databasesMax, type KvError } from '@holdfast/common';
import type { Replica } from '@holdfast/coord';
import { admin } from '@holdfast/rpc';

export const replicaRoles = {
  starting: admin.ReplicaRole.REPLICA_ROLE_STARTING,
  follower: admin.ReplicaRole.REPLICA_ROLE_FOLLOWER,
  leader: admin.ReplicaRole.REPLICA_ROLE_LEADER,
  closed: admin.ReplicaRole.REPLICA_ROLE_CLOSED,
} as const;

/** `durablePosition`: up to where it needs the log no more. `diskFailure`: why its disk takes nothing; null while it does. */
export function replicaStatusOf(
  replica: Replica,
  durablePosition: number,
  diskFailure: KvError | null = null,
): admin.ReplicaStatus {
  const { coordinator, leader, leaseLeftMs, position, role, shard } = replica;
  const { storage } = coordinator.kv;
  let keys = 0;
  for (let index = 0; index < databasesMax; index++) keys += storage.keyCount(index);
  return admin.ReplicaStatus.create({
    shard,
    role: replicaRoles[role],
    epoch: leader?.epoch ?? 0,
    leader: leader?.node ?? '',
    position,
    leaseLeftMs: Math.round(leaseLeftMs),
    durablePosition,
    dataBytes: Math.round(storage.usedBytes),
    keys,
    diskFailure: diskFailure?.message ?? '',
  });
}
