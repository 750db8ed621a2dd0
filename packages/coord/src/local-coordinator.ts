/**
 * The coordinator of a server that stands alone: one engine, one storage, at most a log on this machine.
 *
 * Keeps the order of each session's requests, the atomicity of transactions, and the fairness of those
 * who wait. It does not parse or encode anything, and knows no command beyond its declaration.
 *
 *     coordinate -> which command? -> may it run? -> queued, held back, or: its keys in memory? -> run
 */
// @hot-path
import type { Reply, Request } from '@holdfast/common';
import type {
  Command,
  Downstream,
  KV,
  Migration,
  Session,
  SessionSink,
  SubscriptionKind,
} from '@holdfast/engine';
import type { Storage } from '@holdfast/storage';
import { commandOf, isQueueable, unknownCommand, wrongArity } from './admission.js';
import type { Committer } from './committer.js';
import { type Coordinator, type Fate, type Outcome, outcomes, type SessionOptions } from './coordinator.js';
import type { Guard } from './guard.js';
import type { KeyLoader } from './key-loader.js';
import { endSkip } from './late-answers.js';
import type { Forwarding, LocalCoordinatorOptions } from './local-coordinator-options.js';
import { LocalParts } from './local-parts.js';
import type { Monitors } from './monitors.js';
import type { Pauses } from './pauses.js';
import type { PubSubHub } from './pubsub-hub.js';
import type { ServerState } from './server-state.js';
import type { SuspendedScript } from './suspended-script.js';
import type { Tracking } from './tracking.js';
import type { Transactions } from './transactions.js';
import type { Waiting } from './waiting.js';

/** Resident keys that are looked at in a turn, and let go if memory is short: half a millisecond, if all of them go. */
const letGoLooks = 1024;

export class LocalCoordinator implements Coordinator {
  readonly kv: KV;
  /** What it is now, and so refuses. */
  readonly state: ServerState;
  /** Serves those who follow this one; null when nobody can. */
  downstream: Downstream | null = null;
  /** Sends keys to other servers; null when it can't. */
  migration: Migration | null = null;
  /** Tells clients who keep values of changes. */
  readonly tracking: Tracking;
  readonly #parts: LocalParts;
  // Of these, what is needed for each command
  readonly #hub: PubSubHub;
  readonly #monitors: Monitors;
  readonly #waiting: Waiting;
  readonly #transactions: Transactions;
  readonly #pauses: Pauses;
  readonly #loader: KeyLoader;
  readonly #script: SuspendedScript;
  readonly #forwarding: Forwarding | null;

  constructor(options: LocalCoordinatorOptions) {
    const { kv } = options;
    this.kv = kv;
    const parts = new LocalParts(options, {
      dispatch: (session, request, reply) => this.#dispatch(session, request, reply),
      execute: (session, command, request, reply) => this.#execute(session, command, request, reply),
      settle: () => this.settle(),
      close: (session) => this.close(session),
      downstream: () => this.downstream,
      migration: () => this.migration,
    });
    this.#parts = parts;
    this.state = parts.state;
    this.#hub = parts.hub;
    this.#monitors = parts.monitors;
    this.#waiting = parts.waiting;
    this.#transactions = parts.transactions;
    this.tracking = parts.tracking;
    this.#pauses = parts.pauses;
    this.#loader = parts.loader;
    this.#script = parts.script;
    this.#forwarding = options.forwarding ?? null;
    this.state.committer.onCommitted(() => this.#parts.succession.tellCommitted());
    kv.host = parts.host;
    kv.config.onChange('min-replicas-to-write', () => this.state.countReplicas());
  }

  // Coordinator

  open(sink: SessionSink, options: SessionOptions): Session | null {
    return this.#parts.clients.open(sink, options);
  }

  close(session: Session): void {
    if (!this.#parts.clients.remove(session)) return;
    this.#waiting.end(session);
    this.#pauses.forget(session);
    this.#script.forget(session);
    this.#hub.unsubscribeAll(session);
    this.tracking.disable(session);
    this.#monitors.remove(session);
    this.#transactions.unwatch(session);
    this.downstream?.left(session);
    this.#forwarding?.closed(session);
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
    const outcome = this.#dispatch(session, request, this.#parts.discard);
    if (outcome !== outcomes.pending) endSkip(session);
    return outcome;
  }

  settle(): void {
    if (this.tracking.size > 0) this.tracking.endTurn();
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
    return this.#parts.clients.size;
  }

  onCommitted(listener: () => void): void {
    this.#parts.succession.onCommitted(listener);
  }

  onRevoked(listener: () => void): void {
    this.#parts.succession.onRevoked(listener);
  }

  fateOf(version: number): Fate {
    return this.state.committer.fateOf(version);
  }

  async shutdown(): Promise<void> {
    this.#parts.background.stop();
    this.#parts.memory.stop();
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
    if (this.#monitors.size > 0) this.#monitors.observePassedOn(session, command, request);
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
    this.#parts.succession.commitThrough(committer, guard);
  }

  /**
   * Another one leads: gives up what is not committed, goes on with `committer` and `guard`, and lets those who wait
   * ask elsewhere.
   */
  revoke(committer: Committer, guard: Guard): void {
    this.#parts.succession.revoke(committer, guard);
    this.tracking.lost();
  }

  /** The same data, or an older state of them, in another storage. Only while a guard lets nobody see them. */
  replaceStorage(storage: Storage): void {
    this.kv.replaceStorage(storage);
    this.#loader.storage = storage;
    this.#transactions.watches.storage = storage;
    this.#parts.observer.update();
    this.tracking.lost();
  }

  /** `body` puts other data in place of what there is. */
  replaceData(body: () => void): void {
    this.#parts.late.inTurn(() => {
      body();
      this.kv.scripting.functions.invalidate();
    });
  }

  // What happens to a command

  #dispatch(session: Session, request: Request, reply: Reply): Outcome {
    const { registry } = this.kv;
    const command = commandOf(registry, request, session.lastCommand);
    session.lastCommand = command;
    if (command === null)
      return this.#parts.refusals.reject(session, null, request, reply, unknownCommand(registry, request));
    const { arity } = command;
    if (arity > 0 ? request.count !== arity : request.count < -arity) {
      return this.#parts.refusals.reject(session, command, request, reply, wrongArity(command));
    }
    if (!session.isUnlimited && session.isAuthenticated) {
      const denied = this.kv.access.refusal(session, command, request);
      if (denied !== null) return this.#parts.refusals.reject(session, command, request, reply, denied);
    }
    if (this.state.guard?.isElsewhere(session, command) && session.isAuthenticated) {
      return this.#parts.refusals.redirect(session, command, request, reply);
    }
    const refusal = this.state.refusalOf(session, command, request);
    if (refusal !== null) return this.#parts.refusals.reject(session, command, request, reply, refusal);
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
      this.#parts.held.hold(session, request, ready);
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
    this.state.committer.executed();
    if (waiting.hasBlocked) {
      session.isBlocked = true;
      return outcomes.pending;
    }
    if (session.tracking !== null) this.tracking.commandEnded(session, command);
    if (waiting.hasReady) waiting.serve();
    return session.closeAfterReply ? outcomes.close : outcomes.done;
  }

  #execute(session: Session, command: Command, request: Request, reply: Reply): void {
    this.kv.execute(session, command, request, reply);
    if (this.#monitors.size > 0) this.#monitors.observe(session, command, request);
  }
}
