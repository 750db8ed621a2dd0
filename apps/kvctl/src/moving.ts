/**
 * Carries moves of replicas out: a few new ones are made, they catch up, and only then the old ones go. Interrupted
 * anywhere, every shard has at least the replicas that it had.
 */
import { admin } from '@holdfast/rpc';
import type { Cluster } from './cluster.js';
import { caughtUpLag, movesAtOnce } from './limits.js';
import { type Move, withNode, withoutNode } from './placement.js';

/** Throws KvError UNAVAILABLE when a new replica has not caught up in time; the old one stays then. */
export async function carryOut(
  cluster: Cluster,
  moves: readonly Move[],
  timeoutMs: number,
  onProgress: (text: string) => void,
): Promise<void> {
  for (let done = 0; done < moves.length; done += movesAtOnce) {
    const some = moves.slice(done, done + movesAtOnce);
    for (const { shard, from, to } of some)
      onProgress(`${shard}: ${from ?? 'nowhere'} -> ${to ?? 'nowhere'}`);
    await cluster.meta.changeMap(({ shards }) =>
      some.reduce((all, { shard, to }) => (to === null ? all : withNode(all, shard, to)), [...shards]),
    );
    const made = some.filter(({ to }) => to !== null);
    await cluster.until(
      timeoutMs,
      `replicas of ${made.map(({ shard }) => shard).join(', ')} are behind`,
      async () => ((await areReady(cluster, made)) ? true : null),
    );
    await cluster.meta.changeMap(({ shards }) =>
      some.reduce(
        (all, { shard, from }) => (from === null ? all : withoutNode(all, shard, from)),
        [...shards],
      ),
    );
  }
}

const ready: ReadonlySet<admin.ReplicaRole> = new Set([
  admin.ReplicaRole.REPLICA_ROLE_FOLLOWER,
  admin.ReplicaRole.REPLICA_ROLE_LEADER,
]);

/** What a follower knows of the log lags behind too: so it is held against the leader's position. */
async function areReady(cluster: Cluster, moves: readonly Move[]): Promise<boolean> {
  if (moves.length === 0) return true;
  const { shards } = await cluster.view();
  return moves.every(({ shard, to }) => {
    const view = shards.find((one) => one.shard === shard);
    const replica = view?.replicas.find(({ node }) => node === to)?.replica ?? null;
    const lead = view?.replicas.find(({ node }) => node === view.leader)?.replica ?? null;
    if (replica === null || lead === null || !ready.has(replica.role)) return false;
    return replica.position >= lead.position - caughtUpLag;
  });
}
