/**
 * The coordinator of a gateway: it has no data. What needs data goes to the shard of its keys, what is about the
 * connection or the gateway itself is answered by a server of its own that is empty, and each client gets its
 * replies in the order of its requests.
 *
 *     coordinate -> which command? -> own: front -> keyed: forward -> special: split, gathered, subscribed, ...
 */
// @hot-path
import { type Env, KvError, type Reply, type ReplyValue, type Request, ValueReply } from '@holdfast/common';
import {
  type Command,
  type Config,
  KV,
  type LogLevel,
  type ReadMode,
  type Session,
  type SessionSink,
} from '@holdfast/engine';
import { MemoryStorage } from '@holdfast/storage';
import { commandOf, isQueueable } from '../admission.js';
import { type Coordinator, type Fate, type Outcome, outcomes, type SessionOptions } from '../coordinator.js';
import { LocalCoordinator } from '../local-coordinator.js';
import { ClusterCommands } from './cluster-commands.js';
import { ConfigCommands } from './config-commands.js';
import { DebugCommand } from './debug-command.js';
import { slotNotServed } from './errors.js';
import { Forwarder } from './forwarder.js';
import { GatheredCommands } from './gathered-commands.js';
import { InfoCommand } from './info-command.js';
import { KeyRouting } from './key-routing.js';
import { KeyTracking } from './key-tracking.js';
import { LatencyCommands } from './latency-commands.js';
import { MemoryCommands } from './memory-commands.js';
import { Plans, plans } from './plans.js';
import { ReadModeCommands } from './read-mode-commands.js';
import { Answer } from './reply-queue.js';
import { RoutedSession } from './routed-session.js';
import type { Router } from './router.js';
import { ScanCommands } from './scan-commands.js';
import type { ShardRoute } from './shard-route.js';
import { SplitCommands } from './split-commands.js';
import { Subscriptions } from './subscriptions.js';
import { TransactionCommands } from './transaction-commands.js';
import { UnblockCommand } from './unblock-command.js';

export interface ClusterCoordinatorOptions {
  readonly env: Env;
  readonly router: Router;
  readonly config?: Config;
  /** How the reads of clients begin; `linearizable` when not given. */
  readonly readMode?: ReadMode;
  /** For clients of Redis Cluster: the storage node of this process, which executes what it leads. */
  readonly home?: string;
  readonly onShutdown?: (save: boolean) => void;
  readonly onLog?: (level: LogLevel, message: string) => void;
}

export class ClusterCoordinator implements Coordinator {
  readonly kv: KV;
  readonly router: Router;
  readonly front: LocalCoordinator;
  readonly forwarder: Forwarder;
  readonly routing: KeyRouting;
  /** How the reads of clients begin. */
  readonly readMode: ReadMode;
  /** It is a storage node that serves clients of Redis Cluster. */
  readonly isNode: boolean;
  /** What is done with each command. */
  readonly plans: Plans;
  readonly #subscriptions: Subscriptions;
  readonly #transactions: TransactionCommands;
  readonly #tracking: KeyTracking;
  /** The gateway's own server runs what is handled now, or will: it counts it, and shows it to those who monitor. */
  #isRunHere = false;

  constructor(options: ClusterCoordinatorOptions) {
    const { config, env, home, onLog, onShutdown, router } = options;
    this.router = router;
    this.readMode = options.readMode ?? 'linearizable';
    this.isNode = home !== undefined;
    this.routing = new KeyRouting(router, home ?? null);
    this.#tracking = new KeyTracking(this);
    this.kv = new KV({
      storage: new MemoryStorage(env.random),
      oracle: noOracle,
      env,
      ...(config && { config }),
    });
    this.kv.isClusterNode = this.isNode;
    const atNode = home === undefined ? null : new ClusterCommands(this, home);
    this.front = new LocalCoordinator({
      kv: this.kv,
      env,
      ...(atNode !== null && { followed: () => atNode.followed }),
      ...(onShutdown && { onShutdown }),
      ...(onLog && { onLog }),
      forwarding: {
        createSession: (...args) => new RoutedSession(this.#tracking, ...args),
        coordinate: (session, request, reply) => this.#dispatch(session as RoutedSession, request, reply),
        // Who waits at a node: see `UnblockCommand`.
        unblock: () => false,
        replyOf: (session) => (session as RoutedSession).lateReply,
        answered: (session) => (session as RoutedSession).answeredLate(),
        closed: (session) => this.#closed(session as RoutedSession),
      },
    });
    // It has no data: what it is told of `maxmemory` is for the nodes.
    this.kv.eviction.divideBy(Number.POSITIVE_INFINITY);
    const { registry } = this.kv;
    this.forwarder = new Forwarder(registry);
    this.#subscriptions = new Subscriptions(this);
    this.#transactions = new TransactionCommands(this);
    this.plans = new Plans(registry, [
      new SplitCommands(this).handlers,
      new GatheredCommands(this).handlers,
      new ScanCommands(this).handlers,
      new ConfigCommands(this).handlers,
      new InfoCommand(this).handlers,
      new LatencyCommands(this).handlers,
      new MemoryCommands(this).handlers,
      new DebugCommand(this).handlers,
      this.#transactions.handlers,
      this.#subscriptions.handlers,
      { reset: (session, _command, request, reply) => this.#reset(session, request, reply) },
      new ReadModeCommands(this).handlers,
      new UnblockCommand(this).handlers,
      this.#tracking.handlers,
      atNode?.handlers ?? {},
    ]);
  }

  // Coordinator

  open(sink: SessionSink, options: SessionOptions): Session | null {
    return this.front.open(sink, { readMode: this.readMode, ...options });
  }

  close(session: Session): void {
    this.front.close(session);
  }

  beginTurn(): void {
    this.front.beginTurn();
  }

  prefetch(): void {}

  coordinate(session: Session, request: Request, reply: Reply): Outcome {
    if (session.replyMode === 'on') return this.#dispatch(session as RoutedSession, request, reply);
    if (session.replyMode === 'skip-next') session.replyMode = 'skip';
    const outcome = this.#dispatch(session as RoutedSession, request, reply);
    if (session.replyMode === 'skip') session.replyMode = 'on';
    return outcome;
  }

  /**
   * Nothing is written here, and what gathers for a node leaves once at the end of the turn: a turn that is settled in
   * parts would make several messages of it, each as dear as a hundred commands.
   */
  settle(): void {}

  /** The gateway itself holds nothing back. */
  get committedVersion(): number {
    return Number.POSITIVE_INFINITY;
  }

  onCommitted(): void {}

  onRevoked(): void {}

  fateOf(): Fate {
    return 'committed';
  }

  get sessionCount(): number {
    return this.front.sessionCount;
  }

  async shutdown(): Promise<void> {
    await this.front.shutdown();
    this.router.close();
  }

  // What happens to a command

  #dispatch(session: RoutedSession, request: Request, reply: Reply): Outcome {
    const command = commandOf(this.kv.registry, request, session.lastCommand);
    if (command === null || !this.front.accepts(session, command, request)) {
      const isInTransaction = session.transaction !== null;
      const outcome = this.own(session, request, reply);
      // An EXEC that is refused ends it.
      if (isInTransaction && session.transaction === null) this.#transactions.forget(session);
      return outcome;
    }
    if (this.front.holdsBack(session, command, request)) return outcomes.pending;
    if (session.transaction !== null && isQueueable(command)) {
      return this.#transactions.queue(session, command, request, reply);
    }
    const plan = this.plans.kinds[command.id];
    if (plan === plans.own) return this.own(session, request, reply);
    if (plan === plans.special) return this.#handle(session, command, request, reply);
    this.#observe(session, command, request);
    const outcome = this.forwardKeyed(session, command, request, reply);
    if (session.tracking !== null) this.front.tracking.commandEnded(session, command);
    return outcome;
  }

  #handle(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    this.#isRunHere = false;
    session.lastCommand = command;
    let outcome: Outcome;
    try {
      outcome = this.plans.handlers[command.id]!(session, command, request, reply);
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      outcome = this.fail(session, reply, `ERR ${error.message}`);
    }
    if (!this.#isRunHere) this.#observe(session, command, request);
    if (session.tracking !== null) this.front.tracking.commandEnded(session, command);
    return outcome;
  }

  #reset(session: RoutedSession, request: Request, reply: Reply): Outcome {
    this.#transactions.forget(session);
    this.#tracking.reset(session);
    return this.#subscriptions.reset(session, request, reply);
  }

  /** Nodes hear of it before they hear of anything that is sent from now on. */
  #closed(session: RoutedSession): void {
    this.#subscriptions.forget(session);
    this.#tracking.forget(session);
    session.end();
  }

  // For the handlers of commands

  /** Runs a command of a transaction of which others are done by a shard: its answer is the next of the session. */
  runQueued(session: RoutedSession, command: Command, request: Request): void {
    const { access, stats } = this.kv;
    const denied = session.isUnlimited ? null : access.refusalAtExec(session, command, request);
    if (denied === null && this.plans.kinds[command.id] === plans.special) {
      this.#handle(session, command, request, session.sink.reply);
    } else {
      const answer = this.answerLater(session);
      if (denied === null) answer.isLast = this.front.run(session, request, answer.held) === outcomes.close;
      else {
        stats.countError(denied);
        answer.held.error(denied);
      }
      session.replies.ready(answer);
    }
    this.#isRunHere = false;
  }

  /** Whoever handles the command now shows it to those who monitor, and counts it, once it is done. */
  observesLater(): void {
    this.#isRunHere = true;
  }

  /** Answers by the gateway's own server, in its turn. */
  own(session: RoutedSession, request: Request, reply: Reply): Outcome {
    const { replies } = session;
    this.#isRunHere = true;
    if (replies.isEmpty) {
      const outcome = this.front.coordinate(session, request, reply);
      if (outcome === outcomes.pending) session.owes(this.answerLater(session));
      return outcome;
    }
    const answer = this.answerLater(session);
    const outcome = this.front.coordinate(session, request, answer.held);
    if (outcome === outcomes.pending) {
      session.owes(answer);
      return outcome;
    }
    answer.isLast = outcome === outcomes.close;
    replies.ready(answer);
    if (!answer.isLast) return this.forwarder.outcome(session, false);
    session.isBlocked = true;
    return outcomes.pending;
  }

  /** What the gateway's own server says to a request, for a handler that says more or something else. */
  saidHere(session: RoutedSession, request: Request): ReplyValue {
    this.#isRunHere = true;
    this.#count(session);
    const reply = new ValueReply(3);
    this.front.run(session, request, reply);
    return reply.take() ?? null;
  }

  /** The gateway's own server runs a request, which is kept until then, once it is the turn of its answer. */
  runHereLater(session: RoutedSession, request: Request, answer: Answer): void {
    this.#isRunHere = true;
    this.#count(session);
    const { replyMode } = session;
    answer.act = (target) => {
      // As it was for this request: what must be heard all the same goes by it. See `Session.audible`.
      const now = session.replyMode;
      session.replyMode = replyMode;
      this.front.run(session, request, target);
      session.replyMode = now;
    };
  }

  /** Sends a request to the shard of its keys. */
  forwardKeyed(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    const route = this.routing.of(session, command, request);
    if (route === null) return this.fail(session, reply, this.routing.problem);
    return this.forwardTo(session, route, command, request, reply);
  }

  /** `route` is null where no shard is responsible. */
  forwardTo(
    session: RoutedSession,
    route: ShardRoute | null,
    command: Command,
    request: Request,
    reply: Reply,
  ): Outcome {
    if (route === null) return this.fail(session, reply, slotNotServed);
    const problem = this.forwarder.problemOf(request);
    if (problem !== null) return this.fail(session, reply, problem);
    return this.forwarder.forward(session, route, command, request);
  }

  /** Answers at once, in its turn. */
  answer(session: RoutedSession, reply: Reply, write: (reply: Reply) => void): Outcome {
    if (session.replies.isEmpty && session.replyMode === 'on') {
      write(reply);
      return outcomes.done;
    }
    const answer = this.answerLater(session);
    write(answer.held);
    session.replies.ready(answer);
    return this.forwarder.outcome(session, false);
  }

  fail(session: RoutedSession, reply: Reply, message: string): Outcome {
    this.kv.stats.countError(message);
    return this.answer(session, reply, (target) => target.error(message));
  }

  /**
   * The place of an answer that is given later; `bytes` of what others are asked for it. One that may never come is not
   * owed to a client that has closed its side.
   */
  answerLater(session: RoutedSession, bytes = 0, isLasting = false): Answer {
    const answer = new Answer(session.dialect, isLasting);
    answer.isQuiet = session.replyMode !== 'on';
    if (!isLasting) session.unanswered++;
    session.replies.pushAnswer(answer, bytes);
    return answer;
  }

  #observe(session: RoutedSession, command: Command, request: Request): void {
    this.#count(session);
    session.lastCommand = command;
    this.front.observe(session, command, request);
  }

  #count(session: RoutedSession): void {
    session.totalCommands++;
    session.lastActiveMs = this.kv.context.nowMs;
  }
}

/** Nothing is written here. */
const noOracle = {
  next: (): number => 0,
  fetch: async (): Promise<number> => 0,
  ready: async (): Promise<void> => {},
  close: async (): Promise<void> => {},
};
