/** The replicas of a node, and the timestamps they share. */
import { type Env, KvError, type NodeAddresses, TurnClock } from '@holdfast/common';
import { Config, KV, parameters } from '@holdfast/engine';
import type { Log } from '@holdfast/log';
import { LocalCoordinator } from '../local-coordinator.js';
import { leaseMsDefault } from './limits.js';
import type { OracleFront } from './oracle-front.js';
import { Replica, type ReplicaParts } from './replica.js';
import { type ReplicaPlace, ReplicaState } from './replica-state.js';
import type { RoleChange } from './role.js';
import type { SnapshotSource } from './snapshot-source.js';
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
  /** The parameters of a shard's engine. */
  readonly createConfig?: () => Config;
  readonly leaseMs?: number;
  /** Something failed and is tried again. */
  readonly onError?: (error: unknown) => void;
  /** For tests. */
  readonly parts?: ReplicaParts;
}

interface Hosted {
  readonly placement: ShardPlacement;
  readonly replica: Replica;
  close(): Promise<void>;
}

/** How long this node waits, when it closes, for its leads to be handed over, in ms. */
const handoverTimeoutMs = 2000;

export class ShardHost {
  readonly #options: ShardHostOptions;
  readonly #hosted = new Map<string, Hosted>();
  readonly #bySlot = new Map<number, Hosted>();
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
    return this.#bySlot.get(slot)?.replica ?? null;
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
    this.#bySlot.clear();
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
        this.#hosted.set(placement.shard, hosted ? { ...hosted, placement } : await this.#open(placement));
      } catch (error) {
        failure ??= error;
      }
    }
    this.#indexSlots();
    if (failure !== null) throw failure;
  }

  #indexSlots(): void {
    this.#bySlot.clear();
    for (const hosted of this.#hosted.values()) {
      for (const [first, last] of hosted.placement.slots) {
        for (let slot = first; slot <= last; slot++) this.#bySlot.set(slot, hosted);
      }
    }
  }

  async #open(placement: ShardPlacement): Promise<Hosted> {
    const { addresses, createConfig, env, front, leaseMs = leaseMsDefault, node, parts } = this.#options;
    const { shard } = placement;
    const log = await this.#options.openLog(shard);
    const State = parts?.State ?? ReplicaState;
    const place = this.#options.placeOf(shard);
    const state = await State.open({ shard, env, log, place, source: this.#options.source });
    const turnClock = new TurnClock(env.clock);
    const config = createConfig?.() ?? new Config(parameters);
    const kv = new KV({ storage: state.storage, oracle: front.oracle, env, turnClock, config });
    const coordinator = new LocalCoordinator({ kv, env });
    const onError = this.#options.onError ?? (() => {});
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
    const close = async (): Promise<void> => {
      await replica.close();
      await coordinator.shutdown();
      await state.storage.flush().catch(onError);
      await state.storage.close();
      await log.close();
    };
    return { placement, replica, close };
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
