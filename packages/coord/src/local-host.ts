/** What commands may ask of a server that stands alone: the `Host` of LocalCoordinator. */
import type { Env, Reply, Request } from '@holdfast/common';
import type {
  BlockOptions,
  Command,
  ConfigFile,
  Downstream,
  Host,
  HostFigures,
  KV,
  LogControl,
  LogLevel,
  Migration,
  Session,
  Snapshots,
  SubscriptionKind,
  TrackingOptions,
  Upstream,
  UpstreamStatus,
} from '@holdfast/engine';
import type { Background } from './background.js';
import type { ClientRegistry } from './client-registry.js';
import type { Committer } from './committer.js';
import type { KeyLoader } from './key-loader.js';
import type { MemoryWatch } from './memory-watch.js';
import type { Monitors } from './monitors.js';
import type { PauseMode, Pauses } from './pauses.js';
import { processFigures, randomId } from './process-figures.js';
import type { PubSubHub } from './pubsub-hub.js';
import type { SuspendedScript } from './suspended-script.js';
import type { Tracking } from './tracking.js';
import type { Transactions } from './transactions.js';
import type { Waiting } from './waiting.js';

/** The parts of the server that commands reach through the host. */
export interface LocalHostParts {
  readonly kv: KV;
  readonly env: Env;
  readonly clients: ClientRegistry;
  readonly hub: PubSubHub;
  readonly transactions: Transactions;
  readonly tracking: Tracking;
  readonly waiting: Waiting;
  readonly pauses: Pauses;
  readonly monitors: Monitors;
  readonly background: Background;
  readonly memory: MemoryWatch;
  readonly loader: KeyLoader;
  readonly script: SuspendedScript;
  readonly snapshots: Snapshots | null;
  readonly logControl: LogControl | null;
  readonly configFile: ConfigFile | null;
  readonly upstream: () => Upstream | null;
  readonly followed: () => UpstreamStatus | null;
  readonly downstream: () => Downstream | null;
  readonly migration: () => Migration | null;
  readonly inTurn: (body: () => void) => void;
  /** Why clients may not write while another server is followed. */
  readonly upstreamRefusal: () => string | null;
  /** Why data that may be old is not shown. */
  readonly staleness: () => string | null;
  readonly unblockAll: () => void;
  readonly committer: () => Committer;
  /** Ends a session's wait for keys: see `Host.unblock`. */
  readonly unblock: (session: Session, withError: boolean) => boolean;
  /** Ends a session as its own protocol would. */
  readonly close: (session: Session) => void;
  readonly onShutdown: (save: boolean) => void;
  readonly onLog: (level: LogLevel, message: string) => void;
}

export class LocalHost implements Host {
  readonly #parts: LocalHostParts;
  readonly #startedMs: number;
  readonly #runId: string;
  #replicationId: string;

  constructor(parts: LocalHostParts) {
    this.#parts = parts;
    this.#startedMs = parts.env.clock.now();
    this.#runId = randomId(parts.env);
    this.#replicationId = randomId(parts.env);
  }

  // Messages

  publish(channel: string, message: Uint8Array, sharded: boolean): number {
    const { hub, kv } = this.#parts;
    const version = Math.max(kv.storage.stamp.version, hub.speaker?.dependsOn ?? 0);
    return hub.publish(channel, message, sharded, version);
  }

  subscribe(session: Session, kind: SubscriptionKind, name: string): boolean {
    return this.#parts.hub.subscribe(session, kind, name);
  }

  unsubscribe(session: Session, kind: SubscriptionKind, name: string): boolean {
    return this.#parts.hub.unsubscribe(session, kind, name);
  }

  channels(sharded: boolean): Iterable<string> {
    return this.#parts.hub.channels(sharded);
  }

  subscriberCount(channel: string, sharded: boolean): number {
    return this.#parts.hub.subscriberCount(channel, sharded);
  }

  patternCount(): number {
    return this.#parts.hub.patternCount();
  }

  monitor(session: Session): void {
    this.#parts.monitors.add(session);
  }

  // Clients

  sessions(): Iterable<Session> {
    return this.#parts.clients.all();
  }

  sessionById(id: number): Session | undefined {
    return this.#parts.clients.byId(id);
  }

  kill(session: Session, current: Session): void {
    if (session === current) {
      session.closeAfterReply = true;
      return;
    }
    this.#parts.close(session);
    session.sink.close(false);
  }

  pause(untilMs: number, mode: PauseMode): void {
    this.#parts.pauses.begin(untilMs, mode);
  }

  unpause(): void {
    this.#parts.pauses.end();
  }

  unblock(session: Session, withError: boolean): boolean {
    return this.#parts.unblock(session, withError);
  }

  isWaiting(session: Session): boolean {
    return this.#parts.waiting.isWaiting(session);
  }

  reset(session: Session): void {
    const { clients, hub, monitors, tracking, transactions } = this.#parts;
    transactions.discard(session);
    hub.unsubscribeAll(session);
    tracking.disable(session);
    monitors.remove(session);
    clients.restore(session);
  }

  track(session: Session, options: TrackingOptions): void {
    this.#parts.tracking.enable(session, options);
  }

  untrack(session: Session): void {
    this.#parts.tracking.disable(session);
  }

  tell(session: Session, write: (reply: Reply) => void): void {
    this.#parts.hub.tell(session, 0, write);
  }

  forgetReads(): void {
    this.#parts.tracking.flushed();
  }

  remember(session: Session, command: Command, request: Request): void {
    this.#parts.tracking.remember(session, command, request);
  }

  // Transactions

  watch(session: Session, database: number, key: Uint8Array): void {
    this.#parts.transactions.watch(session, database, key);
  }

  unwatch(session: Session): void {
    this.#parts.transactions.unwatch(session);
  }

  discard(session: Session): void {
    this.#parts.transactions.discard(session);
  }

  exec(session: Session, reply: Reply): void {
    this.#parts.transactions.exec(session, reply);
  }

  // Scripts

  get refusal(): string | null {
    return this.diskFailure ?? this.#parts.upstreamRefusal();
  }

  get diskFailure(): string | null {
    return this.#parts.committer().refusal;
  }

  get staleness(): string | null {
    return this.#parts.staleness();
  }

  load(session: Session, command: Command, request: Request): Promise<void> | null {
    return this.#parts.loader.loadKeys(session, command, request);
  }

  get isMonitored(): boolean {
    return this.#parts.monitors.size > 0;
  }

  show(session: Session, command: Command, request: Request, isOfScript: boolean): void {
    this.#parts.monitors.show(session, command, request, isOfScript);
  }

  suspend(session: Session): void {
    this.#parts.waiting.hasBlocked = true;
    this.#parts.script.begin(session);
  }

  log(level: LogLevel, message: string): void {
    this.#parts.onLog(level, message);
  }

  // Waiting

  block(session: Session, keys: readonly Uint8Array[], options: BlockOptions): void {
    this.#parts.waiting.block(session, keys, options);
  }

  defer(session: Session, work: Promise<unknown>, onDone: (reply: Reply) => void): void {
    this.#parts.waiting.defer(session, work, onDone);
  }

  // The server

  get snapshots(): Snapshots | null {
    return this.#parts.snapshots;
  }

  get logControl(): LogControl | null {
    return this.#parts.logControl;
  }

  get configFile(): ConfigFile | null {
    return this.#parts.configFile;
  }

  replicaCount(): number {
    return this.downstream?.goodCount ?? 0;
  }

  get downstream(): Downstream | null {
    return this.#parts.downstream();
  }

  get migration(): Migration | null {
    return this.#parts.migration();
  }

  inTurn(body: () => void): void {
    this.#parts.inTurn(body);
  }

  get upstream(): Upstream | null {
    return this.#parts.upstream();
  }

  get followed(): UpstreamStatus | null {
    return this.#parts.followed();
  }

  unblockAll(): void {
    this.#parts.unblockAll();
  }

  requestShutdown(save: boolean): void {
    this.#parts.onShutdown(save);
  }

  figures(): HostFigures {
    const { background, clients, kv, memory, monitors, tracking, transactions, waiting } = this.#parts;
    let blockedClients = 0;
    let pubsubClients = 0;
    let watchingClients = 0;
    for (const session of clients.all()) {
      if (session.isBlocked && !session.isOnItsWay) blockedClients++;
      if (session.isSubscriber) pubsubClients++;
      if (session.watched.length > 0) watchingClients++;
    }
    return {
      startedMs: this.#startedMs,
      runId: this.#runId,
      replicationId: this.#replicationId,
      clients: clients.size,
      blockedClients,
      pubsubClients,
      watchingClients,
      watchedKeys: transactions.watches.size,
      blockingKeys: waiting.queues.keys,
      exactingKeys: waiting.queues.exactingKeys,
      monitors: monitors.size,
      trackingClients: tracking.size,
      trackedKeys: tracking.keys,
      trackedItems: tracking.items,
      trackedPrefixes: tracking.prefixes,
      connectionsReceived: clients.received,
      connectionsRejected: clients.rejected,
      receivedBytes: clients.receivedBytes,
      sentBytes: clients.sentBytes,
      clientBytes: memory.measureClients(),
      processBytes: memory.processBytes,
      commandsPerSecond: background.commandsPerSecond,
      peakBytes: Math.max(background.peakBytes, kv.storage.usedBytes),
      process: processFigures,
    };
  }

  info(_section: string): readonly string[] {
    return [];
  }

  resetCounts(): void {
    const { background, clients, kv } = this.#parts;
    clients.clearCounts();
    this.downstream?.clearCounts();
    background.peakBytes = kv.storage.usedBytes;
  }

  changeReplicationId(): void {
    this.#replicationId = randomId(this.#parts.env);
  }

  sleep(ms: number): void {
    // Really nothing else may happen meanwhile: the thread itself sleeps.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }
}
