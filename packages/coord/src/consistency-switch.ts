/**
 * Where a running server makes its writes durable, and how that is changed under its clients: in files of its machine
 * (`local`), or in a log that it shares with other nodes (`replicated`), of which it is the first replica.
 *
 *     commands   run | wait ............................................ | run
 *     log        files --> all committed --> sealed --> next segment --> lead
 *                                            '-- the chain, in DIR/chain, says which segment is active
 *
 * Commands about data wait meanwhile, clients that wait for keys go on waiting, and nobody is answered before what
 * they were told is committed: so nothing acknowledged is lost, and versions go on rising. What died in the middle is
 * finished when the log is opened again, in one direction or the other: see `VirtualLog`.
 */
import { type Env, KvError, type NodeAddresses } from '@holdfast/common';
import type { KV, Snapshots } from '@holdfast/engine';
import { activeOf, type Segments, type VirtualLog } from '@holdfast/log';
import type { LocalOracle } from '@holdfast/tso';
import { inFiles, shared as sharedKind } from './chain-segments.js';
import type { KeptHistory } from './history/kept-history.js';
import { HoldingGuard } from './holding-guard.js';
import { ChainedLog } from './kept-log.js';
import { LocalCommitter } from './local-committer.js';
import type { LocalCoordinator } from './local-coordinator.js';
import type { Persistence } from './persistence.js';
import { leaseMsDefault, logBytesMaxOf } from './replicated/limits.js';
import type { LogRoom } from './replicated/log-room.js';
import { LocalFront } from './replicated/oracle-front.js';
import { Replica } from './replicated/replica.js';
import { ReplicaKeeper } from './replicated/replica-keeper.js';
import { type ReplicaPlace, ReplicaState, type ReplicaStateOptions } from './replicated/replica-state.js';
import type { ShardRegister } from './replicated/shard-register.js';
import type { SnapshotSource } from './replicated/snapshot-source.js';

export type Consistency = 'local' | 'replicated';

/** A log that is shared with other nodes: where it is, and what is known there. */
export interface SharedLog {
  readonly shard: string;
  /** This server, among the replicas. */
  readonly node: string;
  readonly addresses: NodeAddresses;
  readonly segments: Segments;
  readonly register: ShardRegister;
  readonly source: SnapshotSource;
  /** What there is room for; any when not given. */
  readonly room?: LogRoom;
  /** Throws KvError UNAVAILABLE when it can't be reached: better before anybody waits. */
  check(): Promise<void>;
}

export interface ConsistencySwitchOptions {
  readonly env: Env;
  readonly kv: KV;
  readonly coordinator: LocalCoordinator;
  readonly persistence: Persistence;
  readonly history: KeptHistory;
  readonly oracle: LocalOracle;
  /** Where the storage is had from again after a step down. */
  readonly place: ReplicaPlace;
  /** The chain; of the log that is open, if there was none. */
  readonly openChain: () => Promise<VirtualLog>;
  /** The chain that the server was started with; null when there was none. */
  readonly chain: VirtualLog | null;
  readonly leaseMs?: number;
  readonly onFatal: (error: KvError) => void;
  readonly onError: (error: unknown) => void;
}

/** While the server is a replica. */
interface Membership {
  readonly replica: Replica;
  readonly keeper: ReplicaKeeper;
}

/** How long commands wait for the lead after a switch, in ms; then they are told to try again. */
const leadTimeoutMs = 400;

export class ConsistencySwitch {
  readonly #options: ConsistencySwitchOptions;
  #chain: VirtualLog | null;
  #shared: SharedLog | null = null;
  #membership: Membership | null = null;
  #isSwitching = false;

  constructor(options: ConsistencySwitchOptions) {
    this.#options = options;
    this.#chain = options.chain;
  }

  get consistency(): Consistency {
    return this.#membership === null ? 'local' : 'replicated';
  }

  /** While it is replicated. */
  get replica(): Replica | null {
    return this.#membership?.replica ?? null;
  }

  /** Where segments are that this server shares; null while it is not known. */
  get segments(): Segments | null {
    return this.#shared?.segments ?? null;
  }

  /**
   * Resolves with how long commands waited, in ms; 0 when nothing was to be done. Throws KvError INVALID (the server
   * has no log, or is switching already), UNAVAILABLE (the log can't be reached, or another node leads): then
   * everything is as it was.
   */
  async become(consistency: Consistency, shared: SharedLog | null = null): Promise<number> {
    if (this.#isSwitching) throw new KvError('INVALID', 'the consistency is being changed already');
    if (consistency === this.consistency) return 0;
    this.#isSwitching = true;
    try {
      if (consistency === 'local') return await this.#leave();
      if (shared === null) throw new KvError('INVALID', 'it must be said where the log is to be');
      return await this.#join(shared);
    } finally {
      this.#isSwitching = false;
    }
  }

  /** Goes on as a replica, in a process that was started anew. */
  async resume(shared: SharedLog, state: ReplicaState): Promise<void> {
    this.#shared = shared;
    await this.#options.persistence.lend(this.#snapshots());
    this.#membership = this.#begin(shared, state, Promise.resolve());
  }

  async close(): Promise<void> {
    await this.#membership?.keeper.close();
    await this.#membership?.replica.close();
  }

  /** After everything else that uses the log. */
  async closeLog(): Promise<void> {
    await this.#chain?.close();
  }

  get hasChain(): boolean {
    return this.#chain !== null;
  }

  // To the shared log

  async #join(shared: SharedLog): Promise<number> {
    const { coordinator, env, history, kv, openChain, persistence } = this.#options;
    // First of all: what was known goes through a client that may be closed already.
    this.#shared = shared;
    await this.#chain?.reopen(sharedKind);
    await shared.check();
    if (persistence.log === null)
      throw new KvError('INVALID', 'the server has no log: start it with --log file');
    const chain = (this.#chain ??= await openChain());
    const { committer } = persistence;
    await persistence.lend(this.#snapshots());
    const gate = new Gate();
    const beganMs = env.clock.monotonic();
    coordinator.commitThrough(committer, new HoldingGuard(gate.opened));
    kv.isFollower = true;
    try {
      do await committer.drained();
      while (committer.isHeld && !committer.isAbandoned);
      await chain.reconfigure(sharedKind);
      history.beginReplicated(kv.storage.stamp);
    } catch (error) {
      await this.#stay(chain, error);
      gate.open();
      throw error;
    }
    const state = ReplicaState.over(kv.storage, chain.committedPosition, this.stateOptions(shared, chain));
    this.#membership = this.#begin(shared, state, gate.opened);
    await this.#untilItLeads(this.#membership.replica);
    gate.open();
    return env.clock.monotonic() - beganMs;
  }

  /** It did not come to be. The log of this machine may be sealed already: then another one follows it. */
  async #stay(chain: VirtualLog, error: unknown): Promise<void> {
    if (activeOf(chain.chain).kind === inFiles) {
      const { isSealed } = await chain.activeLog.state();
      if (!isSealed && chain.chain.next === null) return this.#keepLocal(chain);
    }
    await chain.reconfigure(inFiles).catch((failure: unknown) => {
      this.#options.onFatal(
        new KvError('UNDETERMINED', `the log could not be switched, nor switched back: ${failure}`, {
          cause: error,
        }),
      );
    });
    await this.#keepLocal(chain);
  }

  #untilItLeads(replica: Replica): Promise<void> {
    const { env } = this.#options;
    return new Promise((resolve) => {
      const timer = env.timers.setTimeout(resolve, leadTimeoutMs);
      const look = (): void => {
        if (replica.role !== 'leader') return;
        env.timers.clearTimeout(timer);
        resolve();
      };
      replica.onRole(look);
      look();
    });
  }

  // To files of this machine

  async #leave(): Promise<number> {
    const { env } = this.#options;
    const { keeper, replica } = this.#membership!;
    const chain = this.#chain!;
    if (replica.role !== 'leader') {
      throw new KvError('UNAVAILABLE', 'this server does not lead its shard now: try again when it does');
    }
    await keeper.close();
    const beganMs = env.clock.monotonic();
    let goOn = (): void => {};
    try {
      goOn = await replica.suspend();
      await chain.reconfigure(inFiles);
      await replica.retire();
    } catch (error) {
      goOn();
      this.#membership = { replica, keeper: this.#keeperOf(this.#shared!, replica) };
      throw error;
    }
    this.#membership = null;
    await this.#keepLocal(chain);
    goOn();
    return env.clock.monotonic() - beganMs;
  }

  /** From now on the log in files is this server's own. */
  async #keepLocal(chain: VirtualLog): Promise<void> {
    const { coordinator, env, history, kv, onFatal, oracle, persistence } = this.#options;
    const log = new ChainedLog(chain);
    const { epoch } = await chain.activeLog.state();
    const committer = new LocalCommitter({ storage: kv.storage, env, log, epoch, history, onFatal });
    kv.storage.stamp.source = oracle;
    kv.isFollower = false;
    coordinator.commitThrough(committer, null);
    persistence.takeBack(log, committer, kv.storage);
  }

  // As a replica

  #begin(shared: SharedLog, state: ReplicaState, heldUntil: Promise<void>): Membership {
    const { coordinator, env, history, leaseMs = leaseMsDefault, onError, oracle } = this.#options;
    const { addresses, node, room, shard } = shared;
    const log = this.#chain!;
    const front = new LocalFront(oracle);
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
      history,
      onError,
      heldUntil,
      ...(room && { room }),
    });
    return { replica, keeper: this.#keeperOf(shared, replica) };
  }

  #keeperOf({ node, register, room }: SharedLog, replica: Replica): ReplicaKeeper {
    const { env, onError, place } = this.#options;
    const log = this.#chain!;
    const { snapshots } = place;
    return new ReplicaKeeper({
      replica,
      env,
      log,
      node,
      nodes: () => [node],
      register,
      snapshots,
      onError,
      ...(room && { logBytesMax: () => logBytesMaxOf(room.quotaBytes, 1) }),
    });
  }

  /** For a state at a position of the chain. */
  stateOptions({ shard, source }: SharedLog, log: VirtualLog): ReplicaStateOptions {
    const { env, onError, place } = this.#options;
    return { shard, env, log, place, source, onError };
  }

  /** SAVE and BGSAVE, while it is a replica. */
  #snapshots(): Snapshots {
    const keeper = (): ReplicaKeeper | null => this.#membership?.keeper ?? null;
    return {
      get isRunning() {
        return keeper()?.isTaking ?? false;
      },
      get lastFinishedMs() {
        return keeper()?.lastFinishedMs ?? 0;
      },
      get savedWrites() {
        return keeper()?.savedWrites ?? 0;
      },
      take: async () => keeper()?.take(),
    };
  }
}

class Gate {
  readonly opened: Promise<void>;
  open!: () => void;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
