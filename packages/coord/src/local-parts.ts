/**
 * What a coordinator of one engine is put together from, and who of these knows whom:
 *
 *     transactions, waiting, script, pauses, held     commands that do not run, or do not end, when they come
 *     late                                            how they are run and answered then
 *     state, refusals, succession                     how it commits, what it refuses, and how that changes
 *     clients, hub, tracking, monitors                sessions, and what they are told without asking
 *     loader, background, memory                      keys to memory and away, what expired, clients that take too much
 */
import type { Env, Reply, Request } from '@holdfast/common';
import type { Command, Downstream, KV, Migration, Session } from '@holdfast/engine';
import { Background } from './background.js';
import { ClientRegistry } from './client-registry.js';
import type { Committer } from './committer.js';
import type { Outcome } from './coordinator.js';
import { DiscardReply } from './discard-reply.js';
import { HeldCommands } from './held-commands.js';
import { KeyLoader } from './key-loader.js';
import { KeyObserver } from './key-observer.js';
import { LateAnswers } from './late-answers.js';
import { LocalCommitter } from './local-committer.js';
import type { LocalCoordinatorOptions } from './local-coordinator-options.js';
import { LocalHost } from './local-host.js';
import { MemoryBudget } from './memory-budget.js';
import { MemoryWatch } from './memory-watch.js';
import { Monitors } from './monitors.js';
import { Pauses } from './pauses.js';
import { PubSubHub } from './pubsub-hub.js';
import { Refusals } from './refusals.js';
import { ServerState } from './server-state.js';
import { Succession } from './succession.js';
import { SuspendedScript } from './suspended-script.js';
import { Tracking } from './tracking.js';
import { Transactions } from './transactions.js';
import { Waiting } from './waiting.js';

const becameReplica =
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';

/** What the coordinator itself does for its parts. */
export interface LocalCalls {
  /** A command came, or comes again. */
  readonly dispatch: (session: Session, request: Request, reply: Reply) => Outcome;
  /** Runs a command that is known to be accepted. */
  readonly execute: (session: Session, command: Command, request: Request, reply: Reply) => void;
  /** Ends a turn. */
  readonly settle: () => void;
  readonly close: (session: Session) => void;
  readonly downstream: () => Downstream | null;
  readonly migration: () => Migration | null;
}

export class LocalParts {
  readonly clients: ClientRegistry;
  readonly hub = new PubSubHub();
  readonly monitors: Monitors;
  readonly waiting: Waiting;
  readonly transactions: Transactions;
  readonly tracking: Tracking;
  readonly observer: KeyObserver;
  readonly pauses: Pauses;
  readonly loader: KeyLoader;
  readonly memory: MemoryWatch;
  readonly background: Background;
  readonly script: SuspendedScript;
  readonly held: HeldCommands;
  readonly state: ServerState;
  readonly refusals: Refusals;
  readonly late: LateAnswers;
  readonly succession: Succession;
  readonly host: LocalHost;
  readonly discard = new DiscardReply();
  readonly #kv: KV;
  readonly #env: Env;
  readonly #calls: LocalCalls;
  /** Others are told when somebody begins or ceases to observe keys. */
  readonly #onChange = (): void => this.observer.update();

  constructor(options: LocalCoordinatorOptions, calls: LocalCalls) {
    const { env, kv } = options;
    this.#kv = kv;
    this.#env = env;
    this.#calls = calls;
    this.clients = new ClientRegistry(kv, env.clock, options.forwarding?.createSession);
    this.monitors = new Monitors(env);
    this.loader = new KeyLoader(kv);
    this.late = this.#newLate(options);
    this.pauses = new Pauses(kv, env, (held) => this.late.resume(held));
    this.transactions = new Transactions({ kv, onChange: this.#onChange, execute: calls.execute });
    this.waiting = this.#newWaiting();
    this.script = this.#newScript();
    this.state = new ServerState(kv, options.committer ?? memoryCommitter(kv, env), this.script);
    const { clients, hub, monitors, state, transactions } = this;
    this.tracking = new Tracking({ kv, clients, hub, onChange: this.#onChange });
    this.observer = new KeyObserver(kv, this.waiting.queues, transactions.watches, this.tracking);
    this.held = new HeldCommands({
      resume: (held) => this.late.resume(held),
      fail: (held, error) => {
        // As any EXEC that can't be, it ends the transaction.
        if (held.session.lastCommand?.name === 'EXEC') transactions.discard(held.session);
        this.late.fail(held, error);
      },
    });
    this.refusals = new Refusals({ kv, transactions, monitors, guard: () => state.guard });
    this.succession = this.#newSuccession();
    this.memory = new MemoryWatch({
      kv,
      clients,
      budget: options.budget ?? new MemoryBudget(),
      evict: (session) => this.#evict(session),
    });
    this.background = this.#newBackground();
    this.host = this.#newHost(options);
  }

  #newLate({ forwarding }: LocalCoordinatorOptions): LateAnswers {
    const { dispatch, settle } = this.#calls;
    return new LateAnswers({
      kv: this.#kv,
      clients: this.clients,
      hub: this.hub,
      forwarding: forwarding ?? null,
      discard: this.discard,
      reject: (...refused) => this.refusals.reject(...refused),
      dispatch,
      serve: () => {
        if (this.waiting.hasReady) this.waiting.serve();
      },
      settle,
      committedVersion: () => this.state.committer.committedVersion,
      tellCommitted: () => this.succession.tellCommitted(),
    });
  }

  #newWaiting(): Waiting {
    const { clients, late, loader } = this;
    return new Waiting({
      kv: this.#kv,
      env: this.#env,
      onChange: this.#onChange,
      execute: (waiter) => late.executeAgain(waiter),
      load: ({ session, command, request }) => loader.load(session, command, request),
      inTurn: (body) => late.inTurn(body),
      replyOf: (session) => late.replyOf(session),
      release: (session) => late.release(session),
      isOpen: (session) => clients.has(session),
      isHeld: () => this.script.isActive,
    });
  }

  #newScript(): SuspendedScript {
    const { late, transactions } = this;
    return new SuspendedScript({
      kv: this.#kv,
      env: this.#env,
      committer: () => this.state.committer,
      speakFor: (session, body) => late.speakFor(session, body),
      resumeTransaction: (reply) => transactions.resume(reply),
      replyOf: (session) => late.replyOf(session),
      release: (session) => late.release(session),
      resumeHeld: (held) => late.resume(held),
      afterTurn: () => late.endTurn(),
    });
  }

  #newSuccession(): Succession {
    const { clients, held, late, pauses, refusals, script, state, transactions, waiting } = this;
    return new Succession({
      state,
      clients,
      transactions,
      refusals,
      late,
      takeWaiting: () => [...script.takeAll(), ...held.takeAll(), ...pauses.takeAll(), ...waiting.takeAll()],
      endDownstream: () => this.#calls.downstream()?.end(),
    });
  }

  #newBackground(): Background {
    const { late, memory, script } = this;
    return new Background({
      kv: this.#kv,
      env: this.#env,
      memory,
      afterTurn: () => late.endTurn(),
      isHeld: () => script.isActive,
    });
  }

  /** What commands may ask of the server. Where others have a say in who commits, nobody follows it. */
  #newHost(options: LocalCoordinatorOptions): LocalHost {
    const { close, downstream, migration } = this.#calls;
    const { forwarding } = options;
    const { late, state, waiting } = this;
    return new LocalHost({
      kv: this.#kv,
      env: this.#env,
      clients: this.clients,
      hub: this.hub,
      transactions: this.transactions,
      tracking: this.tracking,
      waiting,
      pauses: this.pauses,
      monitors: this.monitors,
      background: this.background,
      memory: this.memory,
      loader: this.loader,
      script: this.script,
      snapshots: options.snapshots ?? null,
      logControl: options.logControl ?? null,
      configFile: options.configFile ?? null,
      upstream: () => state.upstream,
      followed: () => state.upstream?.status ?? options.followed?.() ?? null,
      downstream: () => (state.guard === null ? downstream() : null),
      migration: () => (state.guard === null ? migration() : null),
      inTurn: (body) => {
        this.#kv.beginTurn();
        body();
        late.endTurn();
      },
      upstreamRefusal: () => state.upstreamRefusal,
      staleness: () => state.staleness,
      unblockAll: () => waiting.failAll(becameReplica),
      committer: () => state.committer,
      close,
      unblock: (session, withError) =>
        forwarding?.unblock(session, withError) ?? waiting.unblock(session, withError),
      onShutdown: options.onShutdown ?? (() => {}),
      onLog: options.onLog ?? (() => {}),
    });
  }

  /** It takes more than clients may. */
  #evict(session: Session): void {
    this.#calls.close(session);
    session.sink.close(false);
  }
}

function memoryCommitter({ storage }: KV, env: Env): Committer {
  return new LocalCommitter({ storage, env, log: null, onFatal: () => {} });
}
