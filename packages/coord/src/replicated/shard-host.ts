/** The replicas of a node, and the timestamps they share. */
import { type Env, hashSlotCount, KvError, type NodeAddresses, TurnClock } from '@holdfast/common';
import { Config, KV, parameters } from '@holdfast/engine';
import type { Log, Position } from '@holdfast/log';
import type { Oracle } from '@holdfast/tso';
import { LocalCoordinator } from '../local-coordinator.js';
import { leaseMsDefault } from './limits.js';
import type { OracleFront } from './oracle-front.js';
import { Replica } from './replica.js';
import { ReplicaKeeper, type ReplicaKeeperOptions } from './replica-keeper.js';
import type { ReplicaParts } from './replica-options.js';
import { type ReplicaPlace, ReplicaState } from './replica-state.js';
import type { RoleChange } from './role.js';
import type { ShardRegister } from './shard-register.js';
import { encodeSnapshot } from './snapshot-frames.js';
import type { SnapshotSource, SnapshotStream } from './snapshot-source.js';
import type { Timestamps } from './timestamps.js';

/** A shard of which this node is to have a replica. */
export interface ShardPlacement {
  /** Its name, for good. */
  readonly shard: string;
  /** Ranges of hash slots, first and last. */
  readonly slots: readonly (readonly [number, number])[];
  /** The nodes with a replica, this one among them. */
  readonly nodes: readonly string[];
}

export interface ShardHostOptions {
  readonly node: string;
  /** Where this node is reached, for others to know when it leads. */
  readonly addresses: NodeAddresses;
  readonly env: Env;
  readonly front: OracleFront;
  readonly openLog: (shard: string) => Promise<Log>;
  readonly placeOf: (shard: string) => ReplicaPlace;
  readonly source: SnapshotSource;
  /** Up to where the replicas need the logs; when not given, logs are not trimmed. */
  readonly register?: ShardRegister;
  /** The parameters of a shard's engine. */
  readonly createConfig?: () => Config;
  readonly leaseMs?: number;
  /** What the keys and values of all replicas together may take in memory, of level storage; 0 for any amount. */
  readonly cacheBytes?: number;
  /** See `ReplicaKeeper`. */
  readonly keep?: Pick<ReplicaKeeperOptions, 'intervalMs' | 'logBytes' | 'sizeShare'>;
  /** Something failed and is tried again. */
  readonly onError?: (error: unknown) => void;
  /** For tests. */
  readonly parts?: ReplicaParts;
}

interface Hosted {
  placement: ShardPlacement;
  readonly keeper: ReplicaKeeper | null;
  readonly replica: Replica;
  close(): Promise<void>;
}

/** How long this node waits, when it closes, for its leads to be handed over, in ms. */
const handoverTimeoutMs = 2000;

export class ShardHost {
  readonly #options: ShardHostOptions;
  readonly #hosted = new Map<string, Hosted>();
  readonly #bySlot: (Hosted | null)[] = new Array(hashSlotCount).fill(null);
  readonly #listeners: ((change: RoleChange) => void)[] = [];
  /** Placements are carried out one after the other. */
  #placing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: ShardHostOptions) {
    this.#options = options;
  }

  get node(): string {
    return this.#options.node;
  }

  get timestamps(): Timestamps {
    return this.#options.front;
  }

  get oracle(): Oracle {
    return this.#options.front.oracle;
  }

  /**
   * Makes the replicas here those of `placements`: opens what is new, closes what is gone. What fails is reported,
   * and tried again by calling again. Throws KvError CLOSED, and what the first that failed threw.
   */
  place(placements: readonly ShardPlacement[]): Promise<void> {
    const placed = this.#placing.then(() => this.#place(placements));
    this.#placing = placed.catch(() => {});
    return placed;
  }

  *replicas(): Iterable<Replica> {
    for (const { replica } of this.#hosted.values()) yield replica;
  }

  /** Null when the shard has no replica here. */
  replica(shard: string): Replica | null {
    return this.#hosted.get(shard)?.replica ?? null;
  }

  /** Of the shard that a hash slot belongs to; null when it has no replica here. */
  replicaOf(slot: number): Replica | null {
    return this.#bySlot[slot]?.replica ?? null;
  }

  /**
   * For another node: what this one holds of a shard, as `PeerSnapshots` takes it. Throws KvError UNAVAILABLE when it
   * holds none, or none that is whole, also in the middle.
   */
  async *snapshotFrames(shard: string): AsyncGenerator<Uint8Array> {
    yield* encodeSnapshot(await this.snapshot(shard));
  }

  /**
   * For a backup: what was written to a shard after a position and up to a version, as frames. See `Replica.changes`.
   * Throws KvError UNAVAILABLE too when there is no replica here.
   */
  async *changeFrames(shard: string, after: Position, version: number): AsyncGenerator<Uint8Array> {
    yield* encodeSnapshot(await this.#replicaHere(shard).changes(after, version));
  }

  /** Up to where the replica here needs the log no more, as last reported. */
  durablePositionOf(shard: string): Position {
    return this.#hosted.get(shard)?.keeper?.reported ?? 0;
  }

  /** Throws KvError UNAVAILABLE. */
  async snapshot(shard: string): Promise<SnapshotStream> {
    return this.#replicaHere(shard).snapshot();
  }

  /** Of all replicas, those to come too. */
  onRole(listener: (change: RoleChange) => void): void {
    this.#listeners.push(listener);
  }

  /** Hands over what this node leads, and closes everything. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#placing;
    await Promise.all(Array.from(this.#hosted.values(), (hosted) => this.#handOver(hosted)));
    await Promise.all(Array.from(this.#hosted.values(), (hosted) => hosted.close()));
    this.#hosted.clear();
    this.#bySlot.fill(null);
  }

  #replicaHere(shard: string): Replica {
    const replica = this.replica(shard);
    if (replica === null) throw new KvError('UNAVAILABLE', `this node has no replica of shard ${shard}`);
    return replica;
  }

  async #place(placements: readonly ShardPlacement[]): Promise<void> {
    if (this.#isClosed) throw new KvError('CLOSED', 'the node is closing');
    const wanted = new Map(placements.map((placement) => [placement.shard, placement]));
    for (const [shard, hosted] of this.#hosted) {
      if (wanted.has(shard)) continue;
      await this.#handOver(hosted);
      await hosted.close();
      this.#hosted.delete(shard);
    }
    let failure: unknown = null;
    for (const placement of placements) {
      const hosted = this.#hosted.get(placement.shard);
      try {
        if (hosted !== undefined) hosted.placement = placement;
        else this.#hosted.set(placement.shard, await this.#open(placement));
      } catch (error) {
        failure ??= error;
      }
    }
    this.#indexSlots();
    this.#shareCache();
    if (failure !== null) throw failure;
  }

  #indexSlots(): void {
    this.#bySlot.fill(null);
    for (const hosted of this.#hosted.values()) {
      for (const [first, last] of hosted.placement.slots) {
        this.#bySlot.fill(hosted, first, last + 1);
      }
    }
  }

  /** Each replica may keep as much in memory as the others. */
  #shareCache(): void {
    const { cacheBytes = 0 } = this.#options;
    const share = Math.ceil(cacheBytes / Math.max(1, this.#hosted.size));
    for (const { replica } of this.#hosted.values())
      replica.coordinator.kv.config.set('cache-bytes', String(share));
  }

  /** Throws KvError, and then nothing stays open. */
  async #open(placement: ShardPlacement): Promise<Hosted> {
    const { env, onError = () => {}, parts, source } = this.#options;
    const { shard } = placement;
    const State = parts?.State ?? ReplicaState;
    const log = await this.#options.openLog(shard);
    try {
      const place = this.#options.placeOf(shard);
      return this.#host(placement, log, place, await State.open({ shard, env, log, place, source, onError }));
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  #host(placement: ShardPlacement, log: Log, place: ReplicaPlace, state: ReplicaState): Hosted {
    const {
      addresses,
      env,
      front,
      leaseMs = leaseMsDefault,
      node,
      onError = () => {},
      parts,
    } = this.#options;
    const { shard } = placement;
    const coordinator = this.#coordinatorOver(state);
    const replica = new Replica({
      shard,
      node,
      addresses,
      env,
      log,
      state,
      coordinator,
      front,
      leaseMs,
      onError,
      ...(parts && { parts }),
    });
    replica.onRole((change) => {
      for (const listener of this.#listeners) listener(change);
    });
    const keeper = this.#keeperOf(replica, log, place);
    const close = async (): Promise<void> => {
      await keeper?.close();
      await replica.close();
      await coordinator.shutdown();
      await state.storage.flush().catch(onError);
      await state.storage.close();
      await log.close();
    };
    return { placement, replica, keeper, close };
  }

  #coordinatorOver({ storage }: ReplicaState): LocalCoordinator {
    const { createConfig, env, front } = this.#options;
    const turnClock = new TurnClock(env.clock);
    const config = createConfig?.() ?? new Config(parameters);
    config.guard('history-bytes', (wanted) => (wanted === '0' ? null : 'a cluster keeps no history'));
    config.guard('cache-bytes', () => 'it is a setting of each node, for all its shards: --cache-bytes');
    const kv = new KV({ storage, oracle: front.oracle, env, turnClock, config });
    kv.isClusterNode = true;
    return new LocalCoordinator({ kv, env });
  }

  #keeperOf(replica: Replica, log: Log, { snapshots }: ReplicaPlace): ReplicaKeeper | null {
    const { env, keep, node, onError = () => {}, register } = this.#options;
    if (register === undefined) return null;
    const nodes = (): readonly string[] => this.#hosted.get(replica.shard)?.placement.nodes ?? [];
    return new ReplicaKeeper({ replica, env, log, node, nodes, register, snapshots, onError, ...keep });
  }

  /** To the node after this one, if this one leads. */
  async #handOver({ placement, replica }: Hosted): Promise<void> {
    const { env, node, onError = () => {} } = this.#options;
    const { nodes } = placement;
    const to = nodes[(nodes.indexOf(node) + 1) % nodes.length];
    if (replica.role !== 'leader' || to === undefined || to === node) return;
    await new Promise<void>((resolve) => {
      env.timers.setTimeout(resolve, handoverTimeoutMs);
      replica.handOver(to).then(resolve, (error: unknown) => {
        onError(error);
        resolve();
      });
    });
  }
}
