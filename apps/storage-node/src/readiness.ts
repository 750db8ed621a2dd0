/**
 * Whether a node does its work: the shards of the map are open here, each has a state that is whole, so that it could
 * lead, and gets to the disk, and somebody leads each. Who restarts nodes one by one waits for that: the next one may be
 * the last that has what this one lacks.
 */
import type { Replica } from '@holdfast/coord';

/** A shard that nobody has led for so long takes no writes, in ms: far longer than the lead takes to go elsewhere, */
const leaderlessMsMax = 10_000;
/** and so many leases, where those are long. */
const leaderlessLeasesMax = 5;

export type Readable = Pick<Replica, 'shard' | 'role' | 'leaderlessMs'>;

/**
 * Why not; null when it does. `problem`: why the shards are not open. `diskFailureOf`: why the disk takes nothing of a
 * shard.
 */
export function readinessOf(
  problem: string | null,
  replicas: Iterable<Readable>,
  leaseMs: number,
  diskFailureOf: (shard: string) => Error | null,
): string | null {
  if (problem !== null) return problem;
  const all = [...replicas];
  const starting = all.filter(({ role }) => role === 'starting');
  if (starting.length > 0) return `the state of ${namesOf(starting)} is not whole yet`;
  for (const { shard } of all) {
    const failure = diskFailureOf(shard);
    if (failure !== null) return `the disk takes nothing of ${shard}: ${failure.message}`;
  }
  return leaderlessnessOf(all, leaseMs);
}

/** Which shards nobody leads, for longer than that takes; null when there are none. */
export function leaderlessnessOf(replicas: Iterable<Readable>, leaseMs: number): string | null {
  const ms = Math.max(leaderlessMsMax, leaderlessLeasesMax * leaseMs);
  const leaderless = [...replicas].filter(({ leaderlessMs }) => leaderlessMs > ms);
  if (leaderless.length === 0) return null;
  return `nobody has led ${namesOf(leaderless)} for ${ms} ms: is there a majority of etcd?`;
}

function namesOf(replicas: readonly Readable[]): string {
  return replicas.map(({ shard }) => shard).join(', ');
}
