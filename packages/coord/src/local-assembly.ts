/** How a local server comes to be: its parts, each made of those before it. Nothing of it runs by itself until all are there. */
import { type KvError, TurnClock } from '@holdfast/common';
import { type Config, KV } from '@holdfast/engine';
import { FileHighWaterMark, type FileLog, type Segments } from '@holdfast/log';
import { systemDatabase } from '@holdfast/storage';
import { LocalOracle, MemoryHighWaterMark } from '@holdfast/tso';
import { ConsistencySwitch, type SharedLog } from './consistency-switch.js';
import type { DataDirectory } from './data-directory.js';
import { KeptHistory } from './history/kept-history.js';
import { LocalCommitter } from './local-committer.js';
import {
  describeLog,
  historyBoundsOf,
  isOnDisk,
  loadUsers,
  savePointsOf,
  watchHistory,
} from './local-configuration.js';
import { LocalCoordinator } from './local-coordinator.js';
import {
  type Closable,
  type Foundation,
  openChain,
  openFoundation,
  openLog,
  type SharedAccess,
} from './local-log.js';
import type { LocalStackOptions } from './local-stack.js';
import { Persistence } from './persistence.js';
import { type Recovered, recover } from './recovery.js';

/**
 * Ten years: where no mark is persisted, nothing is to be renewed, and timestamps never lag behind the clock
 * as they do for a moment after an idle spell.
 */
const unpersistedAheadMs = 10 * 365 * 24 * 3600 * 1000;

interface Engine {
  readonly kv: KV;
  readonly oracle: LocalOracle;
  readonly recovered: Recovered | null;
}

export interface StackParts extends Engine {
  readonly coordinator: LocalCoordinator;
  readonly persistence: Persistence | null;
  readonly history: KeptHistory;
  readonly consistency: ConsistencySwitch | null;
}

/** Makes the parts, in the order in which they need each other. */
export class Assembly {
  readonly #options: LocalStackOptions;
  readonly #config: Config;
  readonly #place: DataDirectory | null;
  /** What is open already, for the case that the rest fails. */
  readonly #opened: Closable[];
  readonly #access: SharedAccess = { segments: () => this.#sharedSegments(), open: () => this.#openShared() };
  readonly #onFatal: (error: KvError) => void;
  readonly #onError: (error: unknown) => void;
  #shared: SharedLog | null = null;
  #consistency: ConsistencySwitch | null = null;

  constructor(options: LocalStackOptions, config: Config, place: DataDirectory | null, opened: Closable[]) {
    this.#options = options;
    this.#config = config;
    this.#place = place;
    this.#opened = opened;
    this.#onFatal = options.onFatal ?? (() => {});
    this.#onError = options.onError ?? (() => {});
  }

  async assemble(): Promise<StackParts> {
    const { configFile = null, env, onLog, onShutdown, storage: kind } = this.#options;
    const base = await openFoundation(this.#options, this.#config, this.#place, this.#access, this.#opened);
    const engine = await this.#openEngine(base);
    const { kv } = engine;
    const history = await this.#openHistory(base, engine.oracle);
    const committer = await this.#openCommitter(base, history);
    const persistence = this.#persist(base, history, committer, () => coordinator);
    describeLog(this.#config, this.#options, persistence);
    watchHistory(this.#config, history, persistence);
    const coordinator: LocalCoordinator = new LocalCoordinator({
      kv,
      env,
      committer,
      snapshots: persistence,
      logControl: kind === 'memory' ? persistence : null,
      configFile,
      ...(onShutdown && { onShutdown }),
      ...(onLog && { onLog }),
    });
    if (persistence !== null) {
      this.#consistency = this.#makeSwitch(base, engine, history, coordinator, persistence);
      if (base.state !== null) await this.#consistency.resume(this.#shared!, base.state);
    }
    return { ...engine, coordinator, persistence, history, consistency: this.#consistency };
  }

  async #openEngine({ log, place, state, storage }: Foundation): Promise<Engine> {
    const { aclFile = null, env, onRecovering, users = [] } = this.#options;
    const turnClock = new TurnClock(env.clock);
    const oracle = await this.#openOracle(turnClock);
    this.#opened.push(oracle);
    const { snapshots } = place;
    const isToRecover = this.#isClaimed && state === null && (log !== null || snapshots !== null);
    const recovered = isToRecover ? await recover(storage, log, snapshots, onRecovering) : null;
    await oracle.setFloor(storage.stamp.last);
    const kv = new KV({ storage, oracle, env, turnClock, config: this.#config, aclFile });
    loadUsers(kv, users);
    await storage.prepareScan(systemDatabase, 0, Number.POSITIVE_INFINITY);
    // What can't be loaded shows now.
    kv.scripting.functions.prepare();
    return { kv, oracle, recovered };
  }

  #openOracle(turnClock: TurnClock): Promise<LocalOracle> {
    const env = { ...this.#options.env, clock: turnClock };
    if (!isOnDisk(this.#options))
      return LocalOracle.open({ env, mark: new MemoryHighWaterMark(), aheadMs: unpersistedAheadMs });
    const { disk, path } = this.#place!;
    return LocalOracle.open({ env, mark: new FileHighWaterMark({ disk, path: `${path}/timestamps` }) });
  }

  async #openHistory({ log, state, storage }: Foundation, oracle: LocalOracle): Promise<KeptHistory> {
    const { clock } = this.#options.env;
    const bounds = historyBoundsOf(this.#config);
    const history = new KeptHistory({ clock, oracle, place: this.#place, bounds });
    if (state !== null) history.beginReplicated();
    else if (log !== null) await history.resume(log, storage.stamp);
    else history.beginInMemory(storage.stamp);
    if (log === null && this.#isClaimed) await history.forget();
    return history;
  }

  async #openCommitter({ chain, log, storage }: Foundation, history: KeptHistory): Promise<LocalCommitter> {
    const epoch = chain === null || log === null ? 1 : (await chain.activeLog.state()).epoch;
    const { env } = this.#options;
    return new LocalCommitter({ storage, env, log, epoch, history, onFatal: this.#onFatal });
  }

  /** Null for a server without a directory. */
  #persist(
    { log, place: { snapshots }, storage }: Foundation,
    history: KeptHistory,
    committer: LocalCommitter,
    coordinator: () => LocalCoordinator,
  ): Persistence | null {
    const place = this.#place;
    if (place === null) return null;
    return new Persistence({
      env: this.#options.env,
      storage,
      committer,
      history,
      log,
      snapshots,
      savePoints: () => savePointsOf(this.#config),
      claim: () => place.claimWithoutLog(),
      openLog: () => openLog(this.#options, this.#config, place, storage),
      commitThrough: (next) => coordinator().commitThrough(next, null),
      replaceData: (body) => coordinator().replaceData(body),
      onFatal: this.#onFatal,
      onError: this.#onError,
    });
  }

  #makeSwitch(
    { chain, place }: Foundation,
    { kv, oracle }: Engine,
    history: KeptHistory,
    coordinator: LocalCoordinator,
    persistence: Persistence,
  ): ConsistencySwitch {
    const { env, leaseMs } = this.#options;
    return new ConsistencySwitch({
      env,
      kv,
      coordinator,
      persistence,
      history,
      oracle,
      place,
      chain,
      openChain: () =>
        openChain(this.#options, this.#config, this.#place!, this.#access, persistence.log as FileLog),
      ...(leaseMs && { leaseMs }),
      onFatal: this.#onFatal,
      onError: this.#onError,
    });
  }

  get #isClaimed(): boolean {
    return this.#place?.isClaimed === true;
  }

  async #openShared(): Promise<SharedLog | null> {
    this.#shared ??= (await this.#options.openShared?.()) ?? null;
    return this.#shared;
  }

  async #sharedSegments(): Promise<Segments | null> {
    return this.#consistency?.segments ?? (await this.#openShared())?.segments ?? null;
  }
}
