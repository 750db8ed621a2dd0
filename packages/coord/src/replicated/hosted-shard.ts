/** One shard on a node: the log, the state, the replica and who keeps it on the disk, opened and closed together. */
import { TurnClock } from '@holdfast/common';
import { KV, ShardKeys } from '@holdfast/engine';
import type { Log } from '@holdfast/log';
import { dividedSettings } from '../cluster/parameter-places.js';
import { KeptHistory } from '../history/kept-history.js';
import { LocalCoordinator } from '../local-coordinator.js';
import { leaseMsDefault } from './limits.js';
import { Replica } from './replica.js';
import { ReplicaKeeper } from './replica-keeper.js';
import { type ReplicaPlace, ReplicaState } from './replica-state.js';
import type { RoleChange } from './role.js';
import type { NodeCommons, ShardHostOptions, ShardPlacement } from './shard-host.js';

/** How long a node that closes waits for a lead to be handed over, in ms. */
const handoverTimeoutMs = 2000;

const noHistory = { bytes: 0, seconds: 0 };

/** What a replica is made of. */
interface Opened {
  readonly log: Log;
  readonly place: ReplicaPlace;
  readonly state: ReplicaState;
}

export class HostedShard {
  placement: ShardPlacement;
  readonly replica: Replica;
  /** Null when nobody knows what others need of the log. */
  readonly keeper: ReplicaKeeper | null;
  readonly #options: ShardHostOptions;
  readonly #commons: NodeCommons;
  readonly #log: Log;
  readonly #state: ReplicaState;
  readonly #history: KeptHistory;

  /** Throws KvError, and then nothing stays open. */
  static async open(
    placement: ShardPlacement,
    options: ShardHostOptions,
    commons: NodeCommons,
    onRole: (change: RoleChange) => void,
  ): Promise<HostedShard> {
    const { env, onError = () => {}, openLog, parts, placeOf, source } = options;
    const { shard } = placement;
    const State = parts?.State ?? ReplicaState;
    const log = await openLog(shard);
    try {
      const place = placeOf(shard);
      const state = await State.open({ shard, env, log, place, source, onError });
      const hosted = new HostedShard(placement, options, commons, { log, place, state });
      hosted.replica.onRole(onRole);
      return hosted;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  private constructor(
    placement: ShardPlacement,
    options: ShardHostOptions,
    commons: NodeCommons,
    { log, place, state }: Opened,
  ) {
    const {
      addresses,
      env,
      front,
      leaseMs = leaseMsDefault,
      node,
      onError = () => {},
      parts,
      room,
    } = options;
    this.placement = placement;
    this.#options = options;
    this.#commons = commons;
    this.#log = log;
    this.#state = state;
    const history = new KeptHistory({
      clock: env.clock,
      oracle: front.oracle,
      place: null,
      bounds: options.history ?? noHistory,
    });
    history.beginReplicated();
    this.#history = history;
    this.replica = new Replica({
      shard: placement.shard,
      node,
      addresses,
      env,
      log,
      state,
      coordinator: this.#coordinatorOver(state),
      front,
      leaseMs,
      history,
      onError,
      ...(parts && { parts }),
      ...(room && { room }),
    });
    this.keeper = this.#keeperOf(place);
    if (this.keeper !== null) commons.snapshots.add(placement.shard, this.keeper);
  }

  /** This is one of so many on the node, each of which may keep as much in memory as the others. */
  shareMemory(count: number): void {
    const { cacheBytes = 0, history = noHistory } = this.#options;
    const { config } = this.replica.coordinator.kv;
    const bounds = { bytes: Math.ceil(history.bytes / count), seconds: history.seconds };
    this.#history.bounds = bounds;
    config.set('cache-bytes', String(Math.ceil(cacheBytes / count)));
    config.set('history-bytes', String(bounds.bytes));
    config.set('history-seconds', String(bounds.seconds));
  }

  async close(): Promise<void> {
    const { onError = () => {} } = this.#options;
    const { coordinator } = this.replica;
    this.#commons.snapshots.remove(this.placement.shard);
    await this.keeper?.close();
    await this.replica.close();
    await this.#history.stop('the node is closing');
    await coordinator.shutdown();
    this.#commons.parameters.close(coordinator.kv.config);
    await this.#state.storage.flush().catch(onError);
    await this.#state.storage.close();
    await this.#log.close();
  }

  /** To the node after this one, if this one leads. Gives up after a while. */
  async handOver(): Promise<void> {
    const { env, node, onError = () => {} } = this.#options;
    const { nodes } = this.placement;
    const to = nodes[(nodes.indexOf(node) + 1) % nodes.length];
    if (this.replica.role !== 'leader' || to === undefined || to === node) return;
    await new Promise<void>((resolve) => {
      env.timers.setTimeout(resolve, handoverTimeoutMs);
      this.replica.handOver(to).then(resolve, (error: unknown) => {
        onError(error);
        resolve();
      });
    });
  }

  #coordinatorOver({ storage }: ReplicaState): LocalCoordinator {
    const { env, front, register } = this.#options;
    const { budget, parameters } = this.#commons;
    const snapshots = register === undefined ? null : this.#commons.snapshots.of(this.placement.shard);
    const turnClock = new TurnClock(env.clock);
    const config = parameters.open();
    for (const name of dividedSettings)
      config.guard(name, () => `it is a setting of each node, for all its shards: --${name}`);
    const kv = new KV({ storage, oracle: front.oracle, env, turnClock, config });
    kv.isClusterNode = true;
    kv.shardKeys = ShardKeys.of(this.placement.slots);
    return new LocalCoordinator({ kv, env, budget, snapshots });
  }

  #keeperOf({ snapshots }: ReplicaPlace): ReplicaKeeper | null {
    const { env, keep, node, onError = () => {}, register, room } = this.#options;
    if (register === undefined) return null;
    const { replica } = this;
    const log = this.#log;
    const nodes = (): readonly string[] => this.placement.nodes;
    const options = { replica, env, log, node, nodes, register, snapshots, onError, ...keep };
    return new ReplicaKeeper({ ...options, ...(room && { room }) });
  }
}
