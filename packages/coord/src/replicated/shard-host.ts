/** The replicas of a node, and the timestamps they share. */
import { type Env, hashSlotCount, KvError, type NodeAddresses } from '@holdfast/common';
import type { Log, Position } from '@holdfast/log';
import type { Oracle } from '@holdfast/tso';
import type { HistoryBounds } from '../history/bounds.js';
import { MemoryBudget } from '../memory-budget.js';
import { HostedShard } from './hosted-shard.js';
import type { LogRoom } from './log-room.js';
import { NodeParameters } from './node-parameters.js';
import { NodeSnapshots } from './node-snapshots.js';
import type { OracleFront } from './oracle-front.js';
import type { Replica } from './replica.js';
import type { ReplicaKeeperOptions } from './replica-keeper.js';
import type { ReplicaParts } from './replica-options.js';
import type { ReplicaPlace } from './replica-state.js';
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
  /** Parameters of the shards' engines that are not as they are by default. */
  readonly parameters?: ReadonlyMap<string, string>;
  readonly leaseMs?: number;
  /** What the keys and values of all replicas together may take in memory, of level storage; 0 for any amount. */
  readonly cacheBytes?: number;
  /** What the histories of all replicas together may take in memory, and how old they may be; none when not given. */
  readonly history?: HistoryBounds;
  /** See `ReplicaKeeper`. */
  readonly keep?: Pick<ReplicaKeeperOptions, 'intervalMs' | 'logBytes' | 'logBytesMax' | 'sizeShare'>;
  /** What the logs have room for; any when not given. */
  readonly room?: LogRoom;
  /** Something failed and is tried again. */
  readonly onError?: (error: unknown) => void;
  /** For tests. */
  readonly parts?: ReplicaParts;
}

/** What the shards of a node have in common. */
export interface NodeCommons {
  readonly parameters: NodeParameters;
  readonly budget: MemoryBudget;
  readonly snapshots: NodeSnapshots;
}

export class ShardHost {
  readonly #options: ShardHostOptions;
  readonly #commons: NodeCommons;
  readonly #hosted = new Map<string, HostedShard>();
  readonly #bySlot: (HostedShard | null)[] = new Array(hashSlotCount).fill(null);
  readonly #listeners: ((change: RoleChange) => void)[] = [];
  /** Placements are carried out one after the other. */
  #placing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: ShardHostOptions) {
    this.#options = options;
    this.#commons = {
      parameters: new NodeParameters(options.parameters),
      budget: new MemoryBudget(),
      snapshots: new NodeSnapshots(),
    };
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
   * For a backup: what was written to a shard after a position and up to a version, as frames. See `ReplicaOffers.changes`.
   * Throws KvError UNAVAILABLE too when there is no replica here.
   */
  async *changeFrames(shard: string, after: Position, version: number): AsyncGenerator<Uint8Array> {
    yield* encodeSnapshot(await this.#replicaHere(shard).offers.changes(after, version));
  }

  /**
   * For whoever goes on behind a version: what was written to a shard after it and up to another one, as frames. See
   * `ReplicaOffers.past`. Throws KvError UNAVAILABLE too when there is no replica here.
   */
  async *historyFrames(shard: string, after: number, version: number): AsyncGenerator<Uint8Array> {
    yield* encodeSnapshot(await this.#replicaHere(shard).offers.past(after, version));
  }

  /** Up to where the replica here needs the log no more, as last reported. */
  durablePositionOf(shard: string): Position {
    return this.#hosted.get(shard)?.keeper?.reported ?? 0;
  }

  /** Why the disk here takes nothing of the shard; null while it does. */
  diskFailureOf(shard: string): KvError | null {
    return this.#hosted.get(shard)?.keeper?.diskFailure ?? null;
  }

  /** Throws KvError UNAVAILABLE. */
  async snapshot(shard: string): Promise<SnapshotStream> {
    return this.#replicaHere(shard).offers.snapshot();
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
    await Promise.all(Array.from(this.#hosted.values(), (hosted) => hosted.handOver()));
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
      await hosted.handOver();
      await hosted.close();
      this.#hosted.delete(shard);
    }
    const tell = (change: RoleChange): void => this.#tell(change);
    let failure: unknown = null;
    for (const placement of placements) {
      const hosted = this.#hosted.get(placement.shard);
      try {
        if (hosted !== undefined) hosted.placement = placement;
        else
          this.#hosted.set(
            placement.shard,
            await HostedShard.open(placement, this.#options, this.#commons, tell),
          );
      } catch (error) {
        failure ??= error;
      }
    }
    this.#indexSlots();
    for (const hosted of this.#hosted.values()) hosted.shareMemory(this.#hosted.size);
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

  #tell(change: RoleChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
