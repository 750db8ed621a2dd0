/**
 * The coordinator of a server that stands alone: one engine, one storage, at most a log on this machine.
 *
 * Keeps the order of each session's requests, the atomicity of transactions, and the fairness of those
 * who wait. It does not parse or encode anything, and knows no command beyond its declaration.
 */
// @hot-path
import type { Env, Reply, Request } from '@holdfast/common';
import {
  type BlockOptions,
  type Command,
  type Host,
  type HostFigures,
  type KV,
  Session,
  type SessionSink,
  type Snapshots,
  type SubscriptionKind,
  type Transaction,
} from '@holdfast/engine';
import type { Database, KeyspaceObserver } from '@holdfast/storage';
import { Committer } from './committer.js';
import { type Coordinator, type Outcome, outcomes, type SessionOptions } from './coordinator.js';
import { DiscardReply } from './discard-reply.js';
import { processFigures, randomId } from './process-figures.js';
import { PubSubHub } from './pubsub-hub.js';
import { keyNameOf, type Waiter, WaitQueues } from './wait-queues.js';
import { Watches } from './watches.js';

/** Active expiry and the release of memory take at most this much of a turn, in ms. */
const backgroundBudgetMs = 2;
const backgroundIntervalMs = 100;

export interface LocalCoordinatorOptions {
  readonly kv: KV;
  readonly env: Env;
  /** What makes writes durable; the default keeps them in memory only. */
  readonly committer?: Committer;
  /** Called by SHUTDOWN. */
  readonly onShutdown?: (save: boolean) => void;
}

interface Parked {
  readonly session: Session;
  readonly request: Request;
}

export class LocalCoordinator implements Coordinator, Host, KeyspaceObserver {
  readonly kv: KV;
  readonly #env: Env;
  readonly #committer: Committer;
  readonly #sessions = new Map<number, Session>();
  readonly #hub = new PubSubHub();
  readonly #waits = new WaitQueues();
  readonly #watches: Watches;
  readonly #discard = new DiscardReply();
  readonly #onShutdown: (save: boolean) => void;
  readonly #monitors = new Set<Session>();
  readonly #startedMs: number;
  readonly #runId: string;
  #replicationId: string;
  #nextSessionId = 1;
  #connectionsRejected = 0;
  #commandsPerSecond = 0;
  #commandsCounted = 0;
  #countedAtMs: number;
  /** Whole copies of the data on disk; null when none are taken. */
  snapshots: Snapshots | null = null;
  /** Commands held back by CLIENT PAUSE. */
  #parked: Parked[] = [];
  #pausedUntilMs = 0;
  #pauseMode: 'all' | 'write' = 'all';
  /** The waiter that is being tried again. */
  #resuming: Waiter | null = null;
  #resumingBlocked = false;
  /** The command being run has blocked. */
  #hasBlocked = false;
  #isServing = false;
  /** The request being coordinated: copied if it blocks. */
  #request!: Request;
  #command!: Command;
  #isShuttingDown = false;

  constructor(options: LocalCoordinatorOptions) {
    this.kv = options.kv;
    this.#env = options.env;
    this.#onShutdown = options.onShutdown ?? (() => {});
    this.#watches = new Watches(this.kv.storage);
    this.#committer = options.committer ?? memoryCommitter(this.kv, this.#env);
    this.#startedMs = this.#env.clock.now();
    this.#countedAtMs = this.#env.clock.monotonic();
    this.#runId = randomId(this.#env);
    this.#replicationId = randomId(this.#env);
    this.kv.host = this;
    this.#scheduleBackground(backgroundIntervalMs);
  }

  // Coordinator

  open(sink: SessionSink, options: SessionOptions): Session | null {
    if (this.#sessions.size >= this.kv.config.number('maxclients')) {
      this.#connectionsRejected++;
      return null;
    }
    const { protocol, address, localAddress } = options;
    const session = new Session(
      this.#nextSessionId++,
      sink,
      protocol,
      address,
      localAddress,
      this.#env.clock.now(),
    );
    session.isAuthenticated = this.kv.config.text('requirepass') === '';
    this.#sessions.set(session.id, session);
    return session;
  }

  close(session: Session): void {
    if (!this.#sessions.delete(session.id)) return;
    this.#endWait(session);
    this.#parked = this.#parked.filter((parked) => parked.session !== session);
    this.#hub.unsubscribeAll(session);
    this.#monitors.delete(session);
    this.unwatch(session);
  }

  beginTurn(): void {
    this.kv.beginTurn();
  }

  coordinate(session: Session, request: Request, reply: Reply): Outcome {
    const { kv } = this;
    session.totalCommands++;
    session.lastActiveMs = kv.context.nowMs;
    let command = kv.registry.find(request);
    if (command !== null && command.subcommands.size > 0) command = subcommandOf(command, request);
    if (command === null)
      return this.#reject(session, reply, unknownCommand(kv.registry.find(request), request));
    const { arity } = command;
    if (arity > 0 ? request.count !== arity : request.count < -arity) {
      command.rejectedCalls++;
      const problem = `wrong number of arguments for '${command.fullName}' command`;
      if (command.name !== 'EXEC') return this.#reject(session, reply, `ERR ${problem}`);
      this.discard(session);
      return this.#reject(session, reply, `EXECABORT Transaction discarded because of: ${problem}`);
    }
    session.lastCommand = command;
    if (session.replyMode !== 'on') return this.#coordinateQuietly(session, command, request, reply);
    return this.#admit(session, command, request, reply);
  }

  settle(): void {
    this.#committer.settle();
  }

  get committedVersion(): number {
    return this.#committer.committedVersion;
  }

  /** Why writes are refused now; null while they are accepted. */
  get refusal(): string | null {
    return this.#committer.acceptsWrites ? null : this.#committer.refusal;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  onCommitted(listener: () => void): void {
    this.#committer.onCommitted(listener);
  }

  async shutdown(): Promise<void> {
    this.#isShuttingDown = true;
    await this.#committer.drained();
  }

  // What happens to a command

  /** Decides whether a command may run now. */
  #admit(session: Session, command: Command, request: Request, reply: Reply): Outcome {
    const { flags } = command;
    if (!session.isAuthenticated && !flags.has('no_auth')) {
      command.rejectedCalls++;
      return this.#reject(session, reply, 'NOAUTH Authentication required.');
    }
    if (session.dialect === 2 && session.subscriptionCount > 0 && !isAllowedWhileSubscribed(command)) {
      return this.#reject(
        session,
        reply,
        `ERR Can't execute '${command.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      );
    }
    if (session.transaction !== null && !runsInsideMulti(command)) {
      return this.#queue(session, session.transaction, command, request, reply);
    }
    if (this.#pausedUntilMs !== 0 && this.#isHeldBack(session, command)) return this.#park(session, request);
    if (command.isWrite && !this.#committer.acceptsWrites) {
      return this.#reject(session, reply, this.#committer.refusal);
    }
    const loading = this.#loadFor(session, command, request);
    if (loading !== null) return this.#parkUntil(session, request, loading);
    return this.#run(session, command, request, reply);
  }

  #run(session: Session, command: Command, request: Request, reply: Reply): Outcome {
    this.#request = request;
    this.#command = command;
    this.#hasBlocked = false;
    this.kv.execute(session, command, request, reply);
    if (this.#hasBlocked) {
      session.isBlocked = true;
      return outcomes.pending;
    }
    if (this.#waits.hasReady && !this.#isServing) this.#serveWaiters();
    return session.closeAfterReply ? outcomes.close : outcomes.done;
  }

  #reject(session: Session, reply: Reply, message: string): Outcome {
    if (session.transaction !== null) session.transaction.failed = true;
    reply.error(message);
    return outcomes.done;
  }

  #queue(
    session: Session,
    transaction: Transaction,
    command: Command,
    request: Request,
    reply: Reply,
  ): Outcome {
    if (command.flags.has('no_multi')) {
      return this.#reject(session, reply, `ERR ${command.name} is not allowed in transactions`);
    }
    transaction.queue.push({ command, request: request.toOwned() });
    reply.simple('QUEUED');
    return outcomes.done;
  }

  /** CLIENT REPLY OFF and SKIP: the command runs, its reply is dropped. */
  #coordinateQuietly(session: Session, command: Command, request: Request, reply: Reply): Outcome {
    const mode = session.replyMode;
    if (mode === 'skip') session.replyMode = 'on';
    if (mode === 'skip-next') session.replyMode = 'skip';
    const outcome = this.#admit(session, command, request, this.#discard);
    // CLIENT REPLY ON is itself answered.
    if (mode === 'off' && session.replyMode === 'on') reply.ok();
    return outcome;
  }

  #loadFor(session: Session, command: Command, request: Request): Promise<void> | null {
    const { storage } = this.kv;
    if (command.scansKeyspace !== undefined) {
      const cursor = command.scansKeyspace === 'page' ? request.integer(command.argsStart) : 0;
      const count = command.scansKeyspace === 'page' ? scanCountOf(request) : Number.POSITIVE_INFINITY;
      return Number.isNaN(cursor) ? null : storage.prepareScan(session.database, cursor, count);
    }
    if (command.soleKey !== 0) {
      const i = command.soleKey;
      if (storage.isResident(session.database, request.bytes, request.start(i), request.length(i)))
        return null;
      return storage.load([{ database: session.database, key: request.view(i) }]);
    }
    if (command.keySpecs.length === 0 && session.transaction === null) return null;
    return this.#loadMany(session, command, request);
  }

  #loadMany(session: Session, command: Command, request: Request): Promise<void> | null {
    const { storage } = this.kv;
    const missing: { database: number; key: Uint8Array }[] = [];
    const collect = (owner: Command, args: Request): void => {
      owner.forEachKey(args, (i) => {
        if (storage.isResident(session.database, args.bytes, args.start(i), args.length(i))) return;
        missing.push({ database: session.database, key: args.view(i) });
      });
    };
    collect(command, request);
    if (command.name === 'EXEC' && session.transaction !== null) {
      for (const queued of session.transaction.queue) collect(queued.command, queued.request);
    }
    return missing.length === 0 ? null : storage.load(missing);
  }

  // Held back

  #park(session: Session, request: Request): Outcome {
    session.isBlocked = true;
    this.#parked.push({ session, request: request.toOwned() });
    return outcomes.pending;
  }

  #parkUntil(session: Session, request: Request, loading: Promise<void>): Outcome {
    const parked = { session, request: request.toOwned() };
    session.isBlocked = true;
    loading.then(
      () => this.#resumeParked(parked),
      (error: Error) => this.#failParked(parked, error),
    );
    return outcomes.pending;
  }

  #resumeParked({ session, request }: Parked): void {
    if (!this.#sessions.has(session.id)) return;
    session.isBlocked = false;
    this.beginTurn();
    const outcome = this.coordinate(session, request, session.sink.reply);
    if (outcome === outcomes.pending) return;
    session.sink.wake();
    session.sink.resume();
  }

  #failParked({ session }: Parked, error: Error): void {
    if (!this.#sessions.has(session.id)) return;
    session.isBlocked = false;
    session.sink.reply.error(`ERR the key could not be loaded: ${error.message}`);
    session.sink.wake();
    session.sink.resume();
  }

  #isHeldBack(session: Session, command: Command): boolean {
    if (this.#env.clock.now() >= this.#pausedUntilMs) {
      this.unpause();
      return false;
    }
    if (command.group === 'connection' || command.name === 'CLIENT') return false;
    if (this.#pauseMode === 'all') return true;
    if (command.name === 'EXEC')
      return session.transaction?.queue.some((queued) => queued.command.isWrite) ?? false;
    return command.isWrite || command.flags.has('may_replicate');
  }

  pause(untilMs: number, mode: 'all' | 'write'): void {
    if (this.#pausedUntilMs === 0 || mode === 'all') this.#pauseMode = mode;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
    this.#env.timers.setTimeout(
      () => {
        if (this.#pausedUntilMs !== 0 && this.#env.clock.now() >= this.#pausedUntilMs) this.unpause();
      },
      this.#pausedUntilMs - this.#env.clock.now() + 1,
    );
  }

  unpause(): void {
    this.#pausedUntilMs = 0;
    const parked = this.#parked;
    this.#parked = [];
    this.#env.timers.setImmediate(() => {
      for (const each of parked) this.#resumeParked(each);
      this.settle();
    });
  }

  // Waiting for keys

  block(session: Session, keys: readonly Uint8Array[], options: BlockOptions): void {
    this.#hasBlocked = true;
    if (this.#resuming !== null) {
      this.#resumingBlocked = true;
      return;
    }
    const waiter: Waiter = {
      session,
      command: this.#command,
      request: this.#request.toOwned(),
      names: keys.map((key) => keyNameOf(session.database, key, 0, key.length)),
      options,
      timer: null,
    };
    if (options.timeoutMs > 0) {
      waiter.timer = this.#env.timers.setTimeout(() => this.#timeOut(waiter), options.timeoutMs);
    }
    this.#waits.add(waiter);
    this.#observe();
  }

  isWaiting(session: Session): boolean {
    return this.#waits.of(session) !== undefined;
  }

  unblock(session: Session, withError: boolean): boolean {
    const waiter = this.#waits.of(session);
    if (waiter === undefined) return false;
    if (!withError) {
      this.#timeOut(waiter);
      return true;
    }
    this.#endWait(session);
    session.sink.reply.error('UNBLOCKED client unblocked via CLIENT UNBLOCK');
    this.#release(session);
    return true;
  }

  #timeOut(waiter: Waiter): void {
    if (this.#waits.of(waiter.session) !== waiter) return;
    this.#endWait(waiter.session);
    waiter.options.onTimeout(waiter.session.sink.reply);
    this.#release(waiter.session);
  }

  #endWait(session: Session): void {
    const waiter = this.#waits.of(session);
    if (waiter === undefined) return;
    this.#waits.remove(waiter);
    if (waiter.timer !== null) this.#env.timers.clearTimeout(waiter.timer);
    this.#observe();
  }

  #release(session: Session): void {
    session.isBlocked = false;
    session.sink.wake();
    session.sink.resume();
  }

  /** Tries the commands of those who wait for keys that changed, until no more of them change. */
  #serveWaiters(): void {
    this.#isServing = true;
    const served: Session[] = [];
    while (this.#waits.hasReady) {
      for (const name of this.#waits.takeReady()) {
        for (const waiter of this.#waits.waitersOf(name)) {
          if (this.#tryAgain(waiter, name)) served.push(waiter.session);
        }
      }
    }
    this.#isServing = false;
    for (const session of served) this.#release(session);
  }

  #tryAgain(waiter: Waiter, name: string): boolean {
    const { session, command, request, options } = waiter;
    if (this.#waits.of(session) !== waiter || !this.#holds(name, options.type)) return false;
    const { context } = this.kv;
    this.#resuming = waiter;
    this.#resumingBlocked = false;
    context.isResumed = true;
    this.kv.execute(session, command, request, session.sink.reply);
    context.isResumed = false;
    this.#resuming = null;
    if (this.#resumingBlocked) return false;
    this.#endWait(session);
    return true;
  }

  #holds(name: string, type: number): boolean {
    const db = this.kv.storage.database(name.charCodeAt(0));
    const key = Buffer.from(name.slice(1), 'latin1');
    const ref = db.find(key, 0, key.length);
    return ref !== 0 && db.type(ref) === type;
  }

  // Changes of keys

  changed(database: Database, bytes: Uint8Array, start: number, length: number): void {
    const name = keyNameOf(database.index, bytes, start, length);
    this.#waits.signal(name);
    this.#watches.changed(name);
  }

  replaced(database: Database, by: Database | null): void {
    this.#watches.replaced(database, by);
    this.#waits.signalDatabase(database.index);
  }

  /** Changes are reported only while somebody cares. */
  #observe(): void {
    const { storage } = this.kv;
    storage.observer = this.#waits.size > 0 || this.#watches.size > 0 ? this : null;
  }

  // Transactions

  watch(session: Session, database: number, key: Uint8Array): void {
    this.#watches.add(session, database, key, this.kv.context.nowMs);
    this.#observe();
  }

  unwatch(session: Session): void {
    this.#watches.clear(session);
    this.#observe();
  }

  discard(session: Session): void {
    session.transaction = null;
    this.unwatch(session);
  }

  exec(session: Session, reply: Reply): void {
    const transaction = session.transaction!;
    const isBroken = this.#watches.isBroken(session, this.kv.context.nowMs);
    this.discard(session);
    if (transaction.failed) {
      reply.error('EXECABORT Transaction discarded because of previous errors.');
      return;
    }
    if (isBroken) {
      reply.nullArray();
      return;
    }
    reply.array(transaction.queue.length);
    const { kv } = this;
    const { context } = kv;
    const { command, request } = context;
    const version = kv.transaction(() => {
      for (const queued of transaction.queue) kv.execute(session, queued.command, queued.request, reply);
    });
    context.command = command;
    context.request = request;
    session.keyVersion = version;
  }

  // Messages

  publish(channel: string, message: Uint8Array, sharded: boolean): number {
    return this.#hub.publish(channel, message, sharded);
  }

  subscribe(session: Session, kind: SubscriptionKind, name: string): boolean {
    return this.#hub.subscribe(session, kind, name);
  }

  unsubscribe(session: Session, kind: SubscriptionKind, name: string): boolean {
    return this.#hub.unsubscribe(session, kind, name);
  }

  channels(sharded: boolean): Iterable<string> {
    return this.#hub.channels(sharded);
  }

  subscriberCount(channel: string, sharded: boolean): number {
    return this.#hub.subscriberCount(channel, sharded);
  }

  patternCount(): number {
    return this.#hub.patternCount();
  }

  // Clients

  sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  sessionById(id: number): Session | undefined {
    return this.#sessions.get(id);
  }

  kill(session: Session, current: Session): void {
    if (session === current) session.closeAfterReply = true;
    else session.sink.close(false);
  }

  reset(session: Session): void {
    this.discard(session);
    this.#hub.unsubscribeAll(session);
    session.database = 0;
    session.dialect = 2;
    session.name = '';
    session.replyMode = 'on';
    session.noEvict = false;
    session.noTouch = false;
    session.user = 'default';
    session.isAuthenticated = this.kv.config.text('requirepass') === '';
  }

  authenticate(session: Session, user: string, password: string): boolean {
    const expected = this.kv.config.text('requirepass');
    if (user !== 'default' || (expected !== '' && expected !== password)) return false;
    session.user = user;
    session.isAuthenticated = true;
    return true;
  }

  /** Is sent every command from now on, as MONITOR shows it. */
  monitor(session: Session): void {
    session.isMonitor = true;
    this.#monitors.add(session);
  }

  // The server

  defer(session: Session, work: Promise<unknown>, onDone: (reply: Reply) => void): void {
    this.#hasBlocked = true;
    const finish = (answer: (reply: Reply) => void): void => {
      if (!this.#sessions.has(session.id)) return;
      answer(session.sink.reply);
      this.#release(session);
    };
    work.then(
      () => finish(onDone),
      (error: Error) => finish((reply) => reply.error(`ERR ${error.message}`)),
    );
  }

  replicaCount(): number {
    return 0;
  }

  requestShutdown(save: boolean): void {
    this.#onShutdown(save);
  }

  figures(): HostFigures {
    let pubsubClients = 0;
    let watchingClients = 0;
    for (const session of this.#sessions.values()) {
      if (session.isSubscriber) pubsubClients++;
      if (session.watched.length > 0) watchingClients++;
    }
    return {
      startedMs: this.#startedMs,
      runId: this.#runId,
      replicationId: this.#replicationId,
      clients: this.#sessions.size,
      blockedClients: this.#waits.size,
      pubsubClients,
      watchingClients,
      watchedKeys: this.#watches.size,
      connectionsReceived: this.#nextSessionId - 1,
      connectionsRejected: this.#connectionsRejected,
      commandsPerSecond: this.#commandsPerSecond,
      process: processFigures(),
    };
  }

  info(_section: string): readonly string[] {
    return [];
  }

  changeReplicationId(): void {
    this.#replicationId = randomId(this.#env);
  }

  sleep(ms: number): void {
    const untilMs = this.#env.clock.monotonic() + ms;
    while (this.#env.clock.monotonic() < untilMs);
  }

  #countCommands(): void {
    const nowMs = this.#env.clock.monotonic();
    if (nowMs - this.#countedAtMs < 1000) return;
    const calls = this.kv.registry.totalCalls();
    this.#commandsPerSecond = Math.round(
      ((calls - this.#commandsCounted) * 1000) / (nowMs - this.#countedAtMs),
    );
    this.#commandsCounted = calls;
    this.#countedAtMs = nowMs;
  }

  #scheduleBackground(delayMs: number): void {
    this.#env.timers.setTimeout(() => {
      if (this.#isShuttingDown) return;
      this.beginTurn();
      let isBusy = false;
      if (this.kv.expiresActively) isBusy = this.kv.expireSome(backgroundBudgetMs);
      if (!this.kv.storage.releaseSome(4096)) isBusy = true;
      if (this.#waits.hasReady) this.#serveWaiters();
      this.settle();
      this.#countCommands();
      this.#scheduleBackground(isBusy ? 5 : backgroundIntervalMs);
    }, delayMs);
  }
}

function memoryCommitter({ storage }: KV, env: Env): Committer {
  return new Committer({ storage, env, log: null, onFatal: () => {} });
}

function subcommandOf(container: Command, request: Request): Command | null {
  if (request.count < 2) return container.arity === -1 ? container : null;
  for (const subcommand of container.subcommands.values())
    if (request.is(1, subcommand.name)) return subcommand;
  return null;
}

function unknownCommand(container: Command | null, request: Request): string {
  if (container !== null) {
    if (request.count < 2) return `ERR wrong number of arguments for '${container.fullName}' command`;
    const name = request.text(1).slice(0, 128);
    return `ERR unknown subcommand '${name}'. Try ${container.name} HELP.`;
  }
  let args = '';
  for (let i = 1; i < request.count && args.length < 128; i++) {
    args += `'${request.text(i).slice(0, 128 - args.length)}' `;
  }
  return `ERR unknown command '${request.text(0).slice(0, 128)}', with args beginning with: ${args}`;
}

function isAllowedWhileSubscribed({ name }: Command): boolean {
  return name === 'PING' || name === 'QUIT' || name === 'RESET' || name.endsWith('SUBSCRIBE');
}

function runsInsideMulti({ name }: Command): boolean {
  return (
    name === 'EXEC' ||
    name === 'DISCARD' ||
    name === 'MULTI' ||
    name === 'WATCH' ||
    name === 'QUIT' ||
    name === 'RESET'
  );
}

/** The COUNT of a SCAN, 10 when it has none. */
function scanCountOf(request: Request): number {
  for (let i = 2; i + 1 < request.count; i++) if (request.is(i, 'COUNT')) return request.integer(i + 1) || 10;
  return 10;
}
