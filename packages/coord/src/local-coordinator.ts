/**
 * The coordinator of a server that stands alone: one engine, one storage, at most a log on this machine.
 *
 * Keeps the order of each session's requests, the atomicity of transactions, and the fairness of those
 * who wait. It does not parse or encode anything, and knows no command beyond its declaration.
 *
 *     coordinate -> which command? -> may it run? -> queued, held back, or: its keys in memory? -> run
 */
// @hot-path
import { type Env, hashSlotOf, KvError, type Reply, type Request } from '@holdfast/common';
import type {
  Command,
  ConfigFile,
  Downstream,
  KV,
  LogControl,
  LogLevel,
  Migration,
  Session,
  SessionSink,
  Snapshots,
  SubscriptionKind,
} from '@holdfast/engine';
import type { Storage } from '@holdfast/storage';
import { commandOf, isQueueable, unknownCommand, wrongArity } from './admission.js';
import { Background } from './background.js';
import { ClientRegistry, type SessionFactory } from './client-registry.js';
import type { Committer } from './committer.js';
import { type Coordinator, type Fate, type Outcome, outcomes, type SessionOptions } from './coordinator.js';
import { DiscardReply } from './discard-reply.js';
import type { Guard } from './guard.js';
import { HeldCommands } from './held-commands.js';
import { KeyLoader } from './key-loader.js';
import { KeyObserver } from './key-observer.js';
import { LocalCommitter } from './local-committer.js';
import { LocalHost } from './local-host.js';
import { MemoryWatch } from './memory-watch.js';
import { Monitors } from './monitors.js';
import { type HeldCommand, Pauses } from './pauses.js';
import { PubSubHub } from './pubsub-hub.js';
import { ServerState } from './server-state.js';
import { SuspendedScript } from './suspended-script.js';
import { Tracking } from './tracking.js';
import { Transactions } from './transactions.js';
import type { Waiter } from './wait-queues.js';
import { Waiting } from './waiting.js';

/** Resident keys that are looked at in a turn, and let go if memory is short: half a millisecond, if all of them go. */
const letGoLooks = 1024;

const becameReplica =
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';

export interface LocalCoordinatorOptions {
  readonly kv: KV;
  readonly env: Env;
  /** What makes writes durable; the default keeps them in memory only. */
  readonly committer?: Committer;
  /** Who takes whole copies of the data; nobody by default. */
  readonly snapshots?: Snapshots | null;
  /** Who switches the log; nobody by default. */
  readonly logControl?: LogControl | null;
  /** Where CONFIG REWRITE puts the parameters; nowhere by default. */
  readonly configFile?: ConfigFile | null;
  /** Called by SHUTDOWN. */
  readonly onShutdown?: (save: boolean) => void;
  /** Gets what scripts write to the log. */
  readonly onLog?: (level: LogLevel, message: string) => void;
  /** Who executes what needs data; this coordinator by default. */
  readonly forwarding?: Forwarding;
}

/** A coordinator that lets this one answer what needs no data, and does the rest itself. */
export interface Forwarding {
  readonly createSession: SessionFactory;
  /** Runs a request that was held back. */
  coordinate(session: Session, request: Request, reply: Reply): Outcome;
  /** Ends the wait of a session for a key elsewhere; false when it does not wait. */
  unblock(session: Session, withError: boolean): boolean;
  /** Where this one's answer goes to a request that was pending; and that was all of it. */
  replyOf(session: Session): Reply;
  answered(session: Session): void;
}

export class LocalCoordinator implements Coordinator {
  readonly kv: KV;
  /** What it is now, and so refuses. */
  readonly state: ServerState;
  /** Serves those who follow this one; null when nobody can. */
  downstream: Downstream | null = null;
  /** Sends keys to other servers; null when it can't. */
  migration: Migration | null = null;
  readonly #clients: ClientRegistry;
  readonly #hub = new PubSubHub();
  readonly #monitors: Monitors;
  readonly #waiting: Waiting;
  readonly #transactions: Transactions;
  readonly #tracking: Tracking;
  readonly #observer: KeyObserver;
  readonly #pauses: Pauses;
  readonly #loader: KeyLoader;
  readonly #background: Background;
  readonly #script: SuspendedScript;
  readonly #held: HeldCommands;
  readonly #forwarding: Forwarding | null;
  readonly #discard = new DiscardReply();
  readonly #onCommitted: (() => void)[] = [];
  readonly #onRevoked: (() => void)[] = [];

  constructor(options: LocalCoordinatorOptions) {
    const { env, kv } = options;
    this.kv = kv;
    const committer = options.committer ?? memoryCommitter(kv, env);
    committer.onCommitted(() => this.#tellCommitted());
    this.#forwarding = options.forwarding ?? null;
    this.#clients = new ClientRegistry(kv, env.clock, options.forwarding?.createSession);
    this.#monitors = new Monitors(env);
    this.#loader = new KeyLoader(kv.storage);
    this.#pauses = new Pauses(kv, env, (held) => this.#resumeHeld(held));
    const onChange = (): void => this.#observer.update();
    this.#transactions = new Transactions({
      kv,
      onChange,
      execute: (session, command, request, reply) => this.#execute(session, command, request, reply),
    });
    this.#waiting = new Waiting({
      kv,
      env,
      onChange,
      execute: (waiter) => this.#executeAgain(waiter),
      load: ({ session, command, request }) => this.#loader.load(session, command, request),
      inTurn: (body) => this.#inTurn(body),
      replyOf: (session) => this.#replyOf(session),
      release: (session) => this.#release(session),
      isOpen: (session) => this.#clients.has(session),
      isHeld: () => this.#script.isActive,
    });
    this.#script = new SuspendedScript({
      kv,
      env,
      committer: () => this.state.committer,
      speakFor: (session, body) => this.#speakFor(session, body),
      resumeTransaction: () => this.#transactions.resume(),
      release: (session) => this.#release(session),
      resumeHeld: (held) => this.#resumeHeld(held),
      afterTurn: () => this.#endBackgroundTurn(),
    });
    this.state = new ServerState(kv, committer, this.#script);
    this.#tracking = new Tracking({ kv, clients: this.#clients, hub: this.#hub, onChange });
    this.#observer = new KeyObserver(kv, this.#waiting.queues, this.#transactions.watches, this.#tracking);
    this.#held = new HeldCommands({
      resume: (held) => this.#resumeHeld(held),
      fail: (held, error) => this.#failHeld(held, error),
    });
    const memory = new MemoryWatch({ kv, clients: this.#clients, evict: (session) => this.#evict(session) });
    this.#background = new Background({
      kv,
      env,
      memory,
      afterTurn: () => this.#endBackgroundTurn(),
      isHeld: () => this.#script.isActive,
    });
    kv.host = new LocalHost({
      kv,
      env,
      clients: this.#clients,
      hub: this.#hub,
      transactions: this.#transactions,
      tracking: this.#tracking,
      waiting: this.#waiting,
      pauses: this.#pauses,
      monitors: this.#monitors,
      background: this.#background,
      memory,
      loader: this.#loader,
      script: this.#script,
      snapshots: options.snapshots ?? null,
      logControl: options.logControl ?? null,
      configFile: options.configFile ?? null,
      upstream: () => this.state.upstream,
      downstream: () => (this.state.guard === null ? this.downstream : null),
      migration: () => (this.state.guard === null ? this.migration : null),
      inTurn: (body) => {
        this.beginTurn();
        body();
        this.#endBackgroundTurn();
      },
      upstreamRefusal: () => this.state.upstreamRefusal,
      unblockAll: () => this.#waiting.failAll(becameReplica),
      committer: () => this.state.committer,
      close: (session) => this.close(session),
      unblock: (session, withError) =>
        this.#forwarding?.unblock(session, withError) ?? this.#waiting.unblock(session, withError),
      onShutdown: options.onShutdown ?? (() => {}),
      onLog: options.onLog ?? (() => {}),
    });
    kv.config.onChange('min-replicas-to-write', () => this.state.countReplicas());
  }

  // Coordinator

  open(sink: SessionSink, options: SessionOptions): Session | null {
    return this.#clients.open(sink, options);
  }

  close(session: Session): void {
    if (!this.#clients.remove(session)) return;
    this.#waiting.end(session);
    this.#pauses.forget(session);
    this.#script.forget(session);
    this.#hub.unsubscribeAll(session);
    this.#tracking.disable(session);
    this.#monitors.remove(session);
    this.#transactions.unwatch(session);
    this.downstream?.left(session);
  }

  beginTurn(): void {
    this.kv.beginTurn();
  }

  prefetch(session: Session, requests: readonly Request[], count: number): void {
    const { storage } = this.kv;
    if (count > 1) storage.database(session.database).dict.prefetch(requests, count);
    if (storage.isAllResident || !session.isAuthenticated) return;
    for (let i = 0; i < count; i++) {
      const command = commandOf(this.kv.registry, requests[i], session.lastCommand);
      if (command !== null) this.#loader.prefetch(session, command, requests[i]);
    }
  }

  coordinate(session: Session, request: Request, reply: Reply): Outcome {
    session.totalCommands++;
    session.lastActiveMs = this.kv.context.nowMs;
    if (session.replyMode === 'on') return this.#dispatch(session, request, reply);
    if (session.replyMode === 'skip-next') session.replyMode = 'skip';
    const outcome = this.#dispatch(session, request, this.#discard);
    if (outcome !== outcomes.pending) endSkip(session);
    return outcome;
  }

  settle(): void {
    if (this.#tracking.size > 0) this.#tracking.endTurn();
    this.state.committer.settle();
    // A script that waits for keys has read others, and goes on with them.
    if (!this.#script.isActive) this.kv.storage.letGoSome(letGoLooks);
  }

  get committedVersion(): number {
    return this.state.committer.committedVersion;
  }

  /** Why writes are refused now; null while they are accepted. */
  get refusal(): string | null {
    return this.state.committer.refusal;
  }

  get sessionCount(): number {
    return this.#clients.size;
  }

  onCommitted(listener: () => void): void {
    this.#onCommitted.push(listener);
  }

  onRevoked(listener: () => void): void {
    this.#onRevoked.push(listener);
  }

  fateOf(version: number): Fate {
    return this.state.committer.fateOf(version);
  }

  async shutdown(): Promise<void> {
    this.#background.stop();
    this.#script.abandon();
    await this.state.committer.drained();
  }

  // For a coordinator that forwards what needs data

  /** Whether a request of the right shape may be run by this session now; otherwise `coordinate` says why not. */
  accepts(session: Session, command: Command, request: Request): boolean {
    const { arity } = command;
    if (arity > 0 ? request.count !== arity : request.count < -arity) return false;
    if (!session.isUnlimited && this.kv.access.denies(session, command, request)) return false;
    return this.state.refusalOf(session, command, request) === null;
  }

  /** Whether a pause holds the request back: then it was copied, and is run again when the pause is over. */
  holdsBack(session: Session, command: Command, request: Request): boolean {
    if (!this.#pauses.isActive || !this.#pauses.holds(session, command, request)) return false;
    this.#pauses.hold(session, request);
    return true;
  }

  /** A request is passed on: it is counted, and shown to those who monitor. */
  observe(session: Session, command: Command, request: Request): void {
    this.kv.registry.figuresOf(command).calls++;
    if (this.#monitors.size > 0) this.#monitors.observe(session, command, request);
  }

  /** Runs a command that is known to be accepted, here and now. */
  run(session: Session, request: Request, reply: Reply): Outcome {
    return this.#run(session, commandOf(this.kv.registry, request, null)!, request, reply);
  }

  /** Passes on a message that was published elsewhere. */
  deliver(kind: SubscriptionKind, name: string, channel: string, payload: Uint8Array): void {
    this.#hub.deliver(kind, name, channel, payload);
  }

  /** The session of another server's client may do what that one's `User.permissions` say; anything if they are empty. */
  limit(session: Session, permissions: string): void {
    session.account = permissions === '' ? null : this.kv.access.admitted(permissions);
  }

  // What it is to its shard

  /** From now on what is written is committed this way. Nothing may be uncommitted in the one before. */
  commitThrough(committer: Committer, guard: Guard | null): void {
    this.state.committer = committer;
    this.state.guard = guard;
    if (guard !== null) this.downstream?.end();
    committer.onCommitted(() => {
      if (this.state.committer === committer) this.#tellCommitted();
    });
    this.#tellCommitted();
  }

  /**
   * Another one leads: gives up what is not committed, goes on with `committer` and `guard`, and lets those who wait
   * ask elsewhere.
   */
  revoke(committer: Committer, guard: Guard): void {
    this.state.guard = guard;
    for (const listener of this.#onRevoked) listener();
    for (const session of this.#clients.all()) session.dependsOn = 0;
    const waiting = [
      ...this.#script.takeAll(),
      ...this.#held.takeAll(),
      ...this.#pauses.takeAll(),
      ...this.#waiting.takeAll(),
    ];
    const torn = this.#transactions.breakAll();
    this.commitThrough(committer, guard);
    torn?.sink.close(false);
    for (const { session, request } of waiting) {
      if (!this.#clients.has(session) || session === torn) continue;
      this.#redirect(session, session.lastCommand!, request, this.#replyOf(session));
      this.#release(session);
    }
  }

  /** The same data, or an older state of them, in another storage. Only while a guard lets nobody see them. */
  replaceStorage(storage: Storage): void {
    this.kv.replaceStorage(storage);
    this.#loader.storage = storage;
    this.#transactions.watches.storage = storage;
    this.#observer.update();
  }

  /** `body` puts other data in place of what there is. */
  replaceData(body: () => void): void {
    this.#inTurn(() => {
      body();
      this.kv.scripting.functions.invalidate();
    });
  }

  #tellCommitted(): void {
    for (const listener of this.#onCommitted) listener();
  }

  // What happens to a command

  #dispatch(session: Session, request: Request, reply: Reply): Outcome {
    const { registry } = this.kv;
    const command = commandOf(registry, request, session.lastCommand);
    if (command === null)
      return this.#reject(session, null, request, reply, unknownCommand(registry, request));
    session.lastCommand = command;
    const { arity } = command;
    if (arity > 0 ? request.count !== arity : request.count < -arity) {
      return this.#reject(session, command, request, reply, wrongArity(command));
    }
    if (!session.isUnlimited && session.isAuthenticated) {
      const denied = this.kv.access.refusal(session, command, request);
      if (denied !== null) return this.#reject(session, command, request, reply, denied);
    }
    if (this.state.guard?.isElsewhere(session, command) && session.isAuthenticated) {
      return this.#redirect(session, command, request, reply);
    }
    const refusal = this.state.refusalOf(session, command, request);
    if (refusal !== null) return this.#reject(session, command, request, reply, refusal);
    if (this.#pauses.isActive && this.#pauses.holds(session, command, request)) {
      this.#pauses.hold(session, request);
      return outcomes.pending;
    }
    if (this.#script.isActive && this.#script.holds(command)) {
      this.#script.hold(session, request);
      return outcomes.pending;
    }
    if (session.transaction !== null && isQueueable(command)) {
      this.#transactions.queue(session.transaction, command, request);
      reply.simple('QUEUED');
      return outcomes.done;
    }
    const ready =
      this.#loader.load(session, command, request) ??
      (this.state.guard === null ? null : this.state.guard.prepare(session, command, request));
    if (ready !== null) {
      this.#held.hold(session, request, ready);
      return outcomes.pending;
    }
    return this.#run(session, command, request, reply);
  }

  #run(session: Session, command: Command, request: Request, reply: Reply): Outcome {
    const waiting = this.#waiting;
    waiting.hasBlocked = false;
    this.#hub.speaker = session;
    this.#execute(session, command, request, reply);
    this.#hub.endSpeech();
    if (this.state.guard !== null) this.state.guard.executed(session, command);
    if (waiting.hasBlocked) {
      session.isBlocked = true;
      return outcomes.pending;
    }
    if (session.tracking !== null) this.#tracking.commandEnded(session, command);
    if (waiting.hasReady) waiting.serve();
    return session.closeAfterReply ? outcomes.close : outcomes.done;
  }

  #execute(session: Session, command: Command, request: Request, reply: Reply): void {
    this.kv.execute(session, command, request, reply);
    if (this.#monitors.size > 0) this.#monitors.observe(session, command, request);
  }

  /** It takes more than clients may. */
  #evict(session: Session): void {
    this.close(session);
    session.sink.close(false);
  }

  #speakFor(session: Session, body: () => void): void {
    this.#hub.speaker = session;
    body();
    this.#hub.endSpeech();
  }

  /** A command that waits is tried again, not shown to monitors a second time. */
  #executeAgain({ session, command, request }: Waiter): void {
    this.#hub.speaker = session;
    this.kv.execute(session, command, request, this.#replyOf(session));
    this.#hub.endSpeech();
  }

  /** What is refused makes a transaction fail; a refused EXEC ends it, which monitors are shown. */
  #reject(
    session: Session,
    command: Command | null,
    request: Request,
    reply: Reply,
    message: string,
  ): Outcome {
    if (command !== null) this.kv.registry.figuresOf(command).rejectedCalls++;
    let text = message;
    if (command?.name === 'EXEC') {
      this.#transactions.discard(session);
      if (this.#monitors.size > 0) this.#monitors.observe(session, command, request);
      text = `EXECABORT Transaction discarded because of: ${message.replace(/^ERR /, '')}`;
    } else if (session.transaction !== null) {
      session.transaction.failed = true;
    }
    this.kv.stats.countError(text);
    reply.error(text);
    return outcomes.done;
  }

  /** Another replica has to execute it. An EXEC ends its transaction, another command of one makes it fail. */
  #redirect(session: Session, command: Command, request: Request, reply: Reply): Outcome {
    this.kv.registry.figuresOf(command).rejectedCalls++;
    if (command.name === 'EXEC') this.#transactions.discard(session);
    else if (session.transaction !== null) session.transaction.failed = true;
    reply.notLeader(slotOf(command, request), this.state.guard?.leader ?? null);
    this.kv.stats.countError(reply.lastError);
    return outcomes.done;
  }

  // What is answered later

  #resumeHeld(held: readonly HeldCommand[]): void {
    this.beginTurn();
    for (const { session, request, arrival } of held) {
      if (!this.#clients.has(session)) continue;
      session.isBlocked = false;
      session.arrival = arrival;
      const outcome = this.#runHeld(session, request);
      session.arrival = 0;
      if (outcome === outcomes.pending) continue;
      this.#release(session);
      if (outcome === outcomes.close) session.sink.close(true);
    }
    this.#settleOwnTurn();
  }

  #runHeld(session: Session, request: Request): Outcome {
    const reply = this.#replyOf(session);
    if (this.#forwarding === null) return this.#dispatch(session, request, reply);
    return this.#forwarding.coordinate(session, request, reply);
  }

  #failHeld({ session }: HeldCommand, error: Error): void {
    if (!this.#clients.has(session)) return;
    const isTransient = error instanceof KvError && error.code === 'UNAVAILABLE';
    const message = isTransient
      ? `TRYAGAIN the command was not executed: ${error.message}`
      : `ERR the key could not be loaded: ${error.message}`;
    this.kv.stats.countError(message);
    this.#replyOf(session).error(message);
    this.#release(session);
  }

  /** Where the answer of a session goes that waited: nowhere, by the client's wish. */
  #replyOf(session: Session): Reply {
    if (session.replyMode !== 'on') return this.#discard;
    return this.#forwarding === null ? session.sink.reply : this.#forwarding.replyOf(session);
  }

  #release(session: Session): void {
    this.#forwarding?.answered(session);
    endSkip(session);
    session.isBlocked = false;
    session.sink.wake();
    session.sink.resume();
  }

  #inTurn(body: () => void): void {
    this.beginTurn();
    body();
    this.#settleOwnTurn();
  }

  #endBackgroundTurn(): void {
    if (this.#waiting.hasReady) this.#waiting.serve();
    this.#settleOwnTurn();
  }

  /** What a turn committed at once that no caller began: nobody else tells those who wait for it. */
  #settleOwnTurn(): void {
    const { committedVersion } = this.state.committer;
    this.settle();
    if (this.state.committer.committedVersion > committedVersion) this.#tellCommitted();
  }
}

function memoryCommitter({ storage }: KV, env: Env): Committer {
  return new LocalCommitter({ storage, env, log: null, onFatal: () => {} });
}

/** The hash slot of the first key; -1 when there is none. */
function slotOf(command: Command, request: Request): number {
  let slot = -1;
  command.forEachKey(request, (i) => {
    if (slot < 0) slot = hashSlotOf(request.bytes, request.start(i), request.length(i));
  });
  return slot;
}

/** CLIENT REPLY SKIP is over with the command that was skipped. */
function endSkip(session: Session): void {
  if (session.replyMode === 'skip') session.replyMode = 'on';
}
