/**
 * The way from a hash slot to the node that leads its shard: the map of the cluster, a channel to each node, and what
 * the nodes say of who leads.
 */
import { type Env, hashSlotCount } from '@holdfast/common';
import type { node } from '@holdfast/rpc';
import type { ClusterMeta } from './cluster-meta.js';
import { tryAgain } from './errors.js';
import { sweepMs } from './limits.js';
import { NodeChannel } from './node-channel.js';
import type { NodeConnector } from './node-link.js';
import type { NodeRecord } from './node-record.js';
import { noShard } from './shard-map.js';
import { ShardRoute } from './shard-route.js';

export interface RouterOptions {
  readonly meta: ClusterMeta;
  readonly env: Env;
  /** The way to a node: called once for each, and again when its address changes. */
  readonly connect: (record: NodeRecord) => NodeConnector;
  /** The storage node of this process, if it is one: its replicas answer stale reads. */
  readonly home?: string;
}

interface KnownNode {
  readonly address: string;
  readonly channel: NodeChannel;
}

export class Router {
  /** By hash slot; null for one that belongs to no shard. */
  readonly slots: (ShardRoute | null)[] = new Array(hashSlotCount).fill(null);
  readonly meta: ClusterMeta;
  readonly home: string | null;
  readonly #env: Env;
  readonly #connect: (record: NodeRecord) => NodeConnector;
  readonly #nodes = new Map<string, KnownNode>();
  readonly #routes = new Map<string, ShardRoute>();
  /** By node: to that node, by one of the shards that it has a replica of. */
  readonly #nodeRoutes = new Map<string, ShardRoute>();
  #routeCount = 0;
  #isSweeping = false;
  #isClosed = false;
  readonly #listeners: (() => void)[] = [];

  constructor({ meta, env, connect, home }: RouterOptions) {
    this.meta = meta;
    this.home = home ?? null;
    this.#env = env;
    this.#connect = connect;
    meta.onChange(() => this.#follow());
    this.#follow();
  }

  /** All shards, in the order of the map. */
  get routes(): Iterable<ShardRoute> {
    return this.#routes.values();
  }

  /** Null when there is no shard at all. */
  get first(): ShardRoute | null {
    for (const route of this.#routes.values()) return route;
    return null;
  }

  get shardCount(): number {
    return this.#routes.size;
  }

  /** To the nodes that can be reached, for what is about all replicas of each: whether it leads or follows. */
  *nodeRoutes(): Iterable<ShardRoute> {
    for (const route of this.#nodeRoutes.values()) if (route.channel !== null) yield route;
  }

  /** The same, of one of them; null when it has no replica, or can't be reached. */
  nodeRoute(node: string): ShardRoute | null {
    const route = this.#nodeRoutes.get(node);
    return route === undefined || route.channel === null ? null : route;
  }

  /** Null when there is no such node. */
  channelOf(name: string): NodeChannel | null {
    return this.#nodes.get(name)?.channel ?? null;
  }

  /** Where Redis clients reach a node; empty where they don't, or there is none. */
  redisAddressOf(node: string | null): string {
    return node === null ? '' : (this.meta.nodes.get(node)?.addresses.redis ?? '');
  }

  /** Calls `listener` whenever a shard's requests may go elsewhere from now on, or shards come or go. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Ends all channels. */
  close(): void {
    this.#isClosed = true;
    for (const { channel } of this.#nodes.values()) channel.close();
    this.#nodes.clear();
  }

  // For routes

  nowMs(): number {
    return this.#env.clock.monotonic();
  }

  later(callback: () => void): void {
    this.#env.timers.setImmediate(callback);
  }

  after(delayMs: number, callback: () => void): void {
    this.#env.timers.setTimeout(callback, delayMs);
  }

  /** Something waits for a leader: its time may come to an end. */
  sweepLater(): void {
    if (this.#isSweeping || this.#isClosed) return;
    this.#isSweeping = true;
    this.#env.timers.setTimeout(() => this.#sweep(), sweepMs);
  }

  #sweep(): void {
    this.#isSweeping = false;
    const nowMs = this.nowMs();
    let isWaiting = false;
    for (const routes of [this.#routes, this.#nodeRoutes])
      for (const route of routes.values()) if (route.sweep(nowMs, tryAgain)) isWaiting = true;
    if (isWaiting) this.sweepLater();
  }

  // The cluster

  #follow(): void {
    const { map, nodes } = this.meta;
    const names = new Set(map.shards.map(({ shard }) => shard));
    for (const [name, route] of this.#routes) {
      if (names.has(name)) continue;
      this.#routes.delete(name);
      route.channel = null;
    }
    for (const { shard, nodes: placed } of map.shards) {
      const route = this.#routes.get(shard);
      if (route === undefined) {
        this.#routes.set(shard, new ShardRoute(this, shard, this.#routeCount++, placed));
      } else route.nodes = placed;
    }
    const routes = map.shards.map(({ shard }) => this.#routes.get(shard)!);
    for (let slot = 0; slot < hashSlotCount; slot++) {
      const index = map.owners[slot];
      this.slots[slot] = index === noShard ? null : routes[index];
    }
    this.#followNodes(nodes);
    this.#followPlaces();
    this.#update();
  }

  #followPlaces(): void {
    const { shards } = this.meta.map;
    for (const [node, { name }] of this.#nodeRoutes)
      if (!shards.some(({ nodes, shard }) => shard === name && nodes.includes(node)))
        this.#nodeRoutes.delete(node);
    for (const { nodes, shard } of shards)
      for (const node of nodes)
        if (!this.#nodeRoutes.has(node))
          this.#nodeRoutes.set(node, new ShardRoute(this, shard, this.#routeCount++, [node]));
  }

  #followNodes(nodes: ReadonlyMap<string, NodeRecord>): void {
    for (const [name, { address, channel }] of this.#nodes) {
      if (nodes.get(name)?.addresses.node === address) continue;
      this.#nodes.delete(name);
      channel.close();
    }
    for (const [name, record] of nodes) {
      if (this.#nodes.has(name) || record.addresses.node === '') continue;
      const channel = new NodeChannel({
        node: name,
        env: this.#env,
        connector: this.#connect(record),
        onLead: (lead) => this.#learn(name, lead),
        onState: () => this.#update(),
      });
      this.#nodes.set(name, { address: record.addresses.node, channel });
    }
  }

  #learn(from: string, { shard, epoch, leader }: node.Lead): void {
    const route = this.#routes.get(shard);
    if (route === undefined) return;
    // A node that knows nobody may be behind; of its own lead it knows.
    if (leader !== '') route.learn(leader, epoch);
    else if (route.leader === from) route.lose(epoch);
    this.#update();
  }

  /** Leaders and channels may have changed: each route gets its channel, and what waited for it goes on. */
  #update(): void {
    let isChanged = false;
    for (const route of this.#routes.values()) {
      const usable = route.leader === null ? null : this.#usableChannelOf(route.leader);
      if (this.#setChannel(route, usable)) isChanged = true;
    }
    for (const [node, route] of this.#nodeRoutes) this.#setChannel(route, this.#usableChannelOf(node));
    if (isChanged) for (const listener of this.#listeners) listener();
  }

  #usableChannelOf(node: string): NodeChannel | null {
    const channel = this.channelOf(node);
    return channel?.isUp && !channel.isLeaving ? channel : null;
  }

  /** Whether it is another one now. */
  #setChannel(route: ShardRoute, channel: NodeChannel | null): boolean {
    if (channel === route.channel) return false;
    route.channel = channel;
    if (channel !== null) this.later(() => route.wake());
    return true;
  }
}
