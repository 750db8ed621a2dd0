/**
 * Carries moves of replicas out: a few new ones are made, they catch up, and only then the old ones go. Interrupted
 * anywhere, every shard has at least the replicas that it had. One that goes without another in its place goes only while
 * another one of its shard is up and has caught up: it may be the only one that has what was trimmed from the log.
 */
import { admin } from '@holdfast/rpc';
import type { Cluster } from './cluster.js';
import { caughtUpLag, movesAtOnce } from './limits.js';
import { type Move, withNode, withoutNode } from './placement.js';
import type { ShardView } from './view.js';

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
    await cluster.meta.forgetPositions(
      some.flatMap(({ shard, to }) => (to === null ? [] : [{ shard, node: to }])),
    );
    await cluster.meta.changeMap(({ shards }) =>
      some.reduce((all, { shard, to }) => (to === null ? all : withNode(all, shard, to)), [...shards]),
    );
    let awaited: readonly Move[] = some;
    await cluster.until(
      timeoutMs,
      () => `replicas are behind, or down: ${awaited.map(replicaText).join(', ')}`,
      async () => {
        awaited = await notReady(cluster, some);
        return awaited.length === 0 ? true : null;
      },
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

/** The moves whose new replica has not caught up; where there is none, of which none of those that stay has. */
async function notReady(cluster: Cluster, moves: readonly Move[]): Promise<readonly Move[]> {
  const { shards } = await cluster.look();
  return moves.filter(({ from, shard, to }) => {
    const view = shards.find((one) => one.shard === shard);
    const isCounted = (node: string): boolean => (to === null ? node !== from : node === to);
    return !view?.replicas.some(({ node }) => isCounted(node) && isReady(view, node));
  });
}

/** What a move waits for. */
function replicaText({ from, shard, to }: Move): string {
  return to === null ? `${shard} on another node than ${from}` : `${shard} on ${to}`;
}

/** What a follower knows of the log lags behind too: so it is held against the leader's position. */
function isReady({ leader, replicas }: ShardView, node: string): boolean {
  const replica = replicas.find((one) => one.node === node)?.replica ?? null;
  const lead = replicas.find((one) => one.node === leader)?.replica ?? null;
  if (replica === null || lead === null || !ready.has(replica.role)) return false;
  return replica.position >= lead.position - caughtUpLag;
}
