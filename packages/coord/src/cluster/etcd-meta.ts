/**
 * What a cluster consists of, as etcd has it: read as a whole whenever a watch says that something changed, and every
 * few seconds in case it is silent.
 *
 * The map moves by compare-and-set and its epoch only grows, so of two who change it at once one finds the other's
 * change and begins again from there. An answer that is older than one that was seen before is passed over.
 */
import { type Env, KvError, Recurring } from '@holdfast/common';
import {
  type EtcdStore,
  endOfPrefix,
  get,
  put,
  remove,
  revisionIs,
  transactionOpsMax,
  type Watch,
} from '@holdfast/etcd';
import type { etcdserverpb, mvccpb } from '@holdfast/rpc';
import type { ShardPlacement } from '../replicated/shard-host.js';
import type { ClusterMeta } from './cluster-meta.js';
import type { EtcdLayout } from './etcd-layout.js';
import { metaIntervalMs } from './limits.js';
import { decodeNodeRecord, encodeNodeRecord, type NodeRecord } from './node-record.js';
import { ShardMap } from './shard-map.js';

export interface EtcdMetaOptions {
  readonly etcd: EtcdStore;
  readonly env: Env;
  readonly layout: EtcdLayout;
  /** Something in etcd could not be read, and what was known before stays. */
  readonly onError?: (error: unknown) => void;
}

/** What one transaction read. */
interface Reading {
  readonly revision: number;
  /** Of the map's last change; 0 when there is none. */
  readonly mapRevision: number;
  readonly map: ShardMap;
  readonly nodes: ReadonlyMap<string, NodeRecord>;
}

const noMap = new ShardMap(0, []);

export class EtcdMeta implements ClusterMeta {
  readonly #options: EtcdMetaOptions;
  #reading: Reading = { revision: 0, mapRevision: 0, map: noMap, nodes: new Map() };
  readonly #listeners: (() => void)[] = [];
  readonly #watches: Watch[];
  readonly #refreshing: Recurring;
  #isRefreshing = false;
  #isStale = false;

  /** Throws KvError UNAVAILABLE, INVALID (what is in etcd is no map). */
  static async open(options: EtcdMetaOptions): Promise<EtcdMeta> {
    const meta = new EtcdMeta(options);
    try {
      meta.#take(await meta.#read());
      return meta;
    } catch (error) {
      meta.close();
      throw error;
    }
  }

  private constructor(options: EtcdMetaOptions) {
    this.#options = options;
    const { env, etcd, layout } = options;
    const { timers } = env;
    this.#refreshing = new Recurring({ timers, intervalMs: metaIntervalMs, work: () => this.#refresh() });
    const listener = { onStart: () => this.#refresh(), onEvents: () => this.#refresh() };
    const nodes = Buffer.from(layout.nodes);
    this.#watches = [
      etcd.watch(Buffer.from(layout.map), Buffer.alloc(0), listener),
      etcd.watch(nodes, endOfPrefix(nodes), listener),
    ];
  }

  /** Without shards, in epoch 0, as long as there is none. */
  get map(): ShardMap {
    return this.#reading.map;
  }

  get nodes(): ReadonlyMap<string, NodeRecord> {
    return this.#reading.nodes;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Moves the map: `change` is given the newest one, as often as somebody else was faster, and returns the shards
   * of the next one, or null when there is nothing to change. Resolves with the map that is there then. Throws what
   * `change` throws, KvError INVALID for a map that is none, UNAVAILABLE.
   */
  async changeMap(change: (map: ShardMap) => readonly ShardPlacement[] | null): Promise<ShardMap> {
    for (;;) {
      const reading = await this.#read();
      const shards = change(reading.map);
      if (shards === null) return reading.map;
      const next = new ShardMap(reading.map.epoch + 1, shards);
      if (!(await this.#write(this.#options.layout.map, reading.mapRevision, next.encode()))) continue;
      this.#take(await this.#read());
      return next;
    }
  }

  /** Says where a node is reached, in place of what was said before. Throws KvError UNAVAILABLE. */
  async register(record: NodeRecord): Promise<void> {
    const key = Buffer.from(this.#options.layout.node(record.node));
    await this.#put([put(key, Buffer.from(encodeNodeRecord(record)))]);
    this.#take(await this.#read());
  }

  /** Forgets a node that holds no replica any more. Throws KvError INVALID when it does, UNAVAILABLE. */
  async remove(node: string): Promise<void> {
    const { map } = await this.#read();
    const shard = map.shards.find(({ nodes }) => nodes.includes(node));
    if (shard) throw new KvError('INVALID', `node ${node} has a replica of shard ${shard.shard}`);
    await this.#put([remove(Buffer.from(this.#options.layout.node(node)))]);
    this.#take(await this.#read());
  }

  /**
   * What nodes said that their disks have of shards counts no longer: for those that are about to get a replica, and may
   * have had one before. Throws KvError UNAVAILABLE.
   */
  async forgetPositions(
    replicas: readonly { readonly shard: string; readonly node: string }[],
  ): Promise<void> {
    const { layout } = this.#options;
    const removals = replicas.map(({ node, shard }) =>
      remove(Buffer.from(`${layout.positions(shard)}${node}`)),
    );
    for (let i = 0; i < removals.length; i += transactionOpsMax)
      await this.#put(removals.slice(i, i + transactionOpsMax));
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
    void this.#refreshing.close();
  }

  // Reading

  async #read(): Promise<Reading> {
    const { etcd, layout } = this.#options;
    const nodes = Buffer.from(layout.nodes);
    const { header, responses } = await etcd.transact({
      compare: [],
      success: [get(Buffer.from(layout.map)), get(nodes, { rangeEnd: endOfPrefix(nodes) })],
    });
    const [pair] = pairsIn(responses[0]);
    const records = pairsIn(responses[1]).map((record) => decoded(record, decodeNodeRecord));
    return {
      revision: header!.revision,
      mapRevision: pair?.modRevision ?? 0,
      map: pair === undefined ? noMap : decoded(pair, (text) => ShardMap.decode(text)),
      nodes: new Map(records.map((record) => [record.node, record])),
    };
  }

  #take(reading: Reading): void {
    const before = this.#reading;
    if (reading.revision <= before.revision || reading.map.epoch < before.map.epoch) return;
    const isSame = reading.map.epoch === before.map.epoch && areSame(reading.nodes, before.nodes);
    this.#reading = isSame ? { ...reading, map: before.map, nodes: before.nodes } : reading;
    if (!isSame) for (const listener of this.#listeners) listener();
  }

  /** One reading at a time; another one follows when something changed meanwhile. */
  async #refresh(): Promise<void> {
    this.#isStale = true;
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    while (this.#isStale && !this.#refreshing.isClosed) {
      this.#isStale = false;
      try {
        this.#take(await this.#read());
      } catch (error) {
        if (!this.#refreshing.isClosed) this.#options.onError?.(error);
      }
    }
    this.#isRefreshing = false;
  }

  // Writing

  /** Whether the key is as wanted now; false when somebody else was faster. */
  async #write(name: string, revision: number, text: string): Promise<boolean> {
    const key = Buffer.from(name);
    const value = Buffer.from(text);
    const { etcd } = this.#options;
    try {
      const compare = [revisionIs(key, revision)];
      return (await etcd.transact({ compare, success: [put(key, value)] })).succeeded;
    } catch (error) {
      if (!isUncertain(error)) throw error;
      const [pair] = (await etcd.range({ key })).kvs;
      // It can't come later and do harm: it expects a revision that is gone once somebody writes the key.
      return pair !== undefined && value.equals(pair.value);
    }
  }

  /** What may be done twice. */
  async #put(success: readonly etcdserverpb.RequestOp[]): Promise<void> {
    const { etcd } = this.#options;
    try {
      await etcd.transact({ compare: [], success });
    } catch (error) {
      if (!isUncertain(error)) throw error;
      await etcd.transact({ compare: [], success });
    }
  }
}

/** Throws what `decode` throws, with where it is: somebody may have changed it by hand. */
function decoded<T>({ key, value }: mvccpb.KeyValue, decode: (text: string) => T): T {
  try {
    return decode(value.toString());
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    throw new KvError(error.code, `${key} in etcd: ${error.message}`, { cause: error });
  }
}

/** The put that goes over etcd's quota is done, and answered with DISK. */
function isUncertain(error: unknown): boolean {
  return error instanceof KvError && (error.code === 'UNDETERMINED' || error.code === 'DISK');
}

function pairsIn(response: etcdserverpb.ResponseOp): etcdserverpb.RangeResponse['kvs'] {
  return response.response?.$case === 'responseRange' ? response.response.value.kvs : [];
}

function areSame(a: ReadonlyMap<string, NodeRecord>, b: ReadonlyMap<string, NodeRecord>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([name, record]) => {
    const other = b.get(name);
    return other !== undefined && encodeNodeRecord(other) === encodeNodeRecord(record);
  });
}
