/**
 * Which shard a hash slot belongs to, and which nodes have a replica of it. A map is never changed: a new one has
 * a greater epoch. Written down as JSON, so that an operator can read what etcd holds:
 *
 *     {"epoch":3,"shards":[{"shard":"s0","slots":[[0,8191]],"nodes":["n1","n2","n3"]}, ...]}
 */
import { hashSlotCount, KvError } from '@holdfast/common';
import type { ShardPlacement } from '../replicated/shard-host.js';

/** No shard has the slot. */
export const noShard = -1;

/** Names of shards and nodes stand in keys of etcd, in files and on the wire. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export class ShardMap {
  readonly epoch: number;
  readonly shards: readonly ShardPlacement[];
  /** For each slot the index of its shard in `shards`, or `noShard`. */
  readonly owners: Int32Array = new Int32Array(hashSlotCount).fill(noShard);

  /** Throws KvError INVALID when the placements contradict each other. */
  constructor(epoch: number, shards: readonly ShardPlacement[]) {
    if (!Number.isSafeInteger(epoch) || epoch < 0) throw invalid('the epoch must be a number, 0 or more');
    this.epoch = epoch;
    this.shards = shards;
    const names = new Set<string>();
    for (const [index, { nodes, shard, slots }] of shards.entries()) {
      if (!namePattern.test(shard) || names.has(shard)) throw invalid(`'${shard}' can't name a shard`);
      names.add(shard);
      if (nodes.length === 0) throw invalid(`shard ${shard} has no nodes`);
      if (new Set(nodes).size < nodes.length) throw invalid(`shard ${shard} names a node twice`);
      for (const node of nodes) if (!namePattern.test(node)) throw invalid(`'${node}' can't name a node`);
      for (const range of slots) this.#own(index, shard, range);
    }
  }

  /** Whether every slot belongs to a shard. */
  get isWhole(): boolean {
    return !this.owners.includes(noShard);
  }

  /** Null when the slot belongs to none. */
  shardOf(slot: number): ShardPlacement | null {
    const index = this.owners[slot];
    return index === noShard ? null : this.shards[index];
  }

  encode(): string {
    return JSON.stringify({ epoch: this.epoch, shards: this.shards });
  }

  /** Throws KvError INVALID for what `encode` did not write. */
  static decode(text: string): ShardMap {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new KvError('INVALID', 'the shard map is not JSON', { cause });
    }
    const { epoch, shards } = (value ?? {}) as { epoch?: unknown; shards?: unknown };
    if (typeof epoch !== 'number' || !Array.isArray(shards)) {
      throw invalid('it must be {"epoch": number, "shards": [...]}');
    }
    return new ShardMap(epoch, shards.map(placementOf));
  }

  /** `count` shards of equal ranges over `nodes`, each with `replicas` of them: s0, s1, ... */
  static even(count: number, nodes: readonly string[], replicas: number): ShardMap {
    const shards = Array.from({ length: count }, (_, i): ShardPlacement => {
      const first = Math.ceil((i * hashSlotCount) / count);
      const last = Math.ceil(((i + 1) * hashSlotCount) / count) - 1;
      const placed = Array.from({ length: replicas }, (_, j) => nodes[(i + j) % nodes.length]);
      return { shard: `s${i}`, slots: [[first, last]], nodes: placed };
    });
    return new ShardMap(1, shards);
  }

  #own(index: number, shard: string, [first, last]: readonly [number, number]): void {
    const isRange = Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last;
    if (!isRange || last >= hashSlotCount) throw invalid(`${first}-${last} is no range of slots (${shard})`);
    for (let slot = first; slot <= last; slot++) {
      if (this.owners[slot] !== noShard) throw invalid(`slot ${slot} belongs to two shards`);
      this.owners[slot] = index;
    }
  }
}

function placementOf(value: unknown): ShardPlacement {
  const { shard, slots, nodes } = (value ?? {}) as { shard?: unknown; slots?: unknown; nodes?: unknown };
  if (typeof shard !== 'string') throw invalid('a shard must have a name');
  const areSlots = Array.isArray(slots) && slots.every((range) => Array.isArray(range) && range.length === 2);
  const areNodes = Array.isArray(nodes) && nodes.every((node) => typeof node === 'string');
  if (!areSlots || !areNodes)
    throw invalid(`shard ${shard} must have "slots": [[first, last], ...] and "nodes"`);
  return { shard, slots: slots as [number, number][], nodes: nodes as string[] };
}

function invalid(what: string): KvError {
  return new KvError('INVALID', `the shard map is not valid: ${what}`);
}
