/** What a cluster consists of, as far as those who forward requests need to know. */
import type { NodeRecord } from './node-record.js';
import type { ShardMap } from './shard-map.js';

/** In etcd, or from a file. Both change as wholes: what was read stays as it is. */
export interface ClusterMeta {
  readonly map: ShardMap;
  /** By their names. A node that is down stays until it is removed. */
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  /** Calls `listener` after each change. */
  onChange(listener: () => void): void;
}

/** A cluster whose parts are given once; tests and operators without etcd change it as a whole. */
export class StaticMeta implements ClusterMeta {
  #map: ShardMap;
  #nodes: ReadonlyMap<string, NodeRecord>;
  readonly #listeners: (() => void)[] = [];

  constructor(map: ShardMap, nodes: readonly NodeRecord[]) {
    this.#map = map;
    this.#nodes = byName(nodes);
  }

  get map(): ShardMap {
    return this.#map;
  }

  get nodes(): ReadonlyMap<string, NodeRecord> {
    return this.#nodes;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  replace(map: ShardMap, nodes: readonly NodeRecord[]): void {
    this.#map = map;
    this.#nodes = byName(nodes);
    for (const listener of this.#listeners) listener();
  }
}

function byName(nodes: readonly NodeRecord[]): ReadonlyMap<string, NodeRecord> {
  return new Map(nodes.map((record) => [record.node, record]));
}
