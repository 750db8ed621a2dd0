/**
 * Whether a node does its work: the shards of the map are open here, and each has a state that is whole, so that it could
 * lead. Who restarts nodes one by one waits for that: the next one may be the last that has what this one lacks.
 */
import type { Role } from '@holdfast/coord';

/** Why not; null when it does. `problem`: why the shards are not open. */
export function readinessOf(
  problem: string | null,
  replicas: Iterable<{ readonly shard: string; readonly role: Role }>,
): string | null {
  if (problem !== null) return problem;
  const starting = [...replicas].filter(({ role }) => role === 'starting').map(({ shard }) => shard);
  return starting.length === 0 ? null : `the state of ${starting.join(', ')} is not whole yet`;
}
