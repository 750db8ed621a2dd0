/**
 * Where replicas are to go when nodes come and go: which moves, in which order. Nothing is moved here.
 *
 * A log is kept by etcd's majority, not by replicas, so one may be replaced at any time. What can be lost is
 * readiness: so the new one is made first, and the old one is taken away when the new one has caught up.
 */
import { KvError } from '@holdfast/common';
import type { ShardPlacement } from '@holdfast/coord';

/** A replica of `shard` goes from a node to another one; null: nowhere, it is one more or one less. */
export interface Move {
  readonly shard: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Moves that give a node that has none its share of the replicas. None when it has it already. */
export function movesOntoNode(shards: readonly ShardPlacement[], node: string, replicas: number): Move[] {
  const moves: Move[] = [];
  const loads = loadsOf(shards, [node]);
  const missing = shards.filter(({ nodes }) => nodes.length < replicas && !nodes.includes(node));
  for (const { shard } of missing) moves.push({ shard, from: null, to: node });
  add(loads, node, missing.length);
  const taken = new Set(missing.map(({ shard }) => shard));
  for (;;) {
    const best = shards
      .filter(({ shard, nodes }) => !nodes.includes(node) && !taken.has(shard))
      .map(({ shard, nodes }) => ({ shard, from: fullest(nodes, loads) }))
      .sort((a, b) => loads.get(b.from)! - loads.get(a.from)!)[0];
    if (best === undefined || loads.get(best.from)! - loads.get(node)! < 2) return moves;
    moves.push({ ...best, to: node });
    taken.add(best.shard);
    add(loads, node, 1);
    add(loads, best.from, -1);
  }
}

/**
 * Moves that take every replica away from a node: to those of `others` that have the least. Throws KvError INVALID
 * when a shard would have no replica left.
 */
export function movesOffNode(
  shards: readonly ShardPlacement[],
  node: string,
  others: readonly string[],
): Move[] {
  const targets = others.filter((other) => other !== node);
  const loads = loadsOf(shards, targets);
  return shards
    .filter(({ nodes }) => nodes.includes(node))
    .map(({ shard, nodes }) => {
      const free = targets.filter((other) => !nodes.includes(other));
      const to = free.length === 0 ? null : emptiest(free, loads);
      if (to === null && nodes.length === 1) {
        throw new KvError(
          'INVALID',
          `${node} has the only replica of shard ${shard}, and there is no other node`,
        );
      }
      if (to !== null) add(loads, to, 1);
      return { shard, from: node, to };
    });
}

/** The placement with the move's new replica, or without its old one. */
export function withNode(shards: readonly ShardPlacement[], shard: string, node: string): ShardPlacement[] {
  return change(shards, shard, (nodes) => (nodes.includes(node) ? nodes : [...nodes, node]));
}

export function withoutNode(
  shards: readonly ShardPlacement[],
  shard: string,
  node: string,
): ShardPlacement[] {
  return change(shards, shard, (nodes) => nodes.filter((other) => other !== node));
}

function change(
  shards: readonly ShardPlacement[],
  shard: string,
  nodesOf: (nodes: readonly string[]) => readonly string[],
): ShardPlacement[] {
  return shards.map((placement) =>
    placement.shard === shard ? { ...placement, nodes: nodesOf(placement.nodes) } : placement,
  );
}

/** How many replicas each node has. */
export function loadsOf(shards: readonly ShardPlacement[], nodes: readonly string[]): Map<string, number> {
  const loads = new Map(nodes.map((node) => [node, 0]));
  for (const placement of shards) for (const node of placement.nodes) add(loads, node, 1);
  return loads;
}

function add(loads: Map<string, number>, node: string, count: number): void {
  loads.set(node, (loads.get(node) ?? 0) + count);
}

function fullest(nodes: readonly string[], loads: ReadonlyMap<string, number>): string {
  return nodes.reduce((a, b) => (loads.get(b)! > loads.get(a)! ? b : a));
}

function emptiest(nodes: readonly string[], loads: ReadonlyMap<string, number>): string {
  return nodes.reduce((a, b) => ((loads.get(b) ?? 0) < (loads.get(a) ?? 0) ? b : a));
}
