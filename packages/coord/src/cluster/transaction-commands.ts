/**
 * MULTI is queued here, where names, arity and the shard of the keys are checked; EXEC sends the whole of it to that
 * one shard, where WATCH went before.
 */
import { databasesMax, type Reply, Request } from '@holdfast/common';
import type { Command, QueuedCommand } from '@holdfast/engine';
import { type Outcome, outcomes } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { crossSlot, slotNotServed } from './errors.js';
import { frameLength } from './frames.js';
import { Gathering } from './gathering.js';
import { requestBytesMax } from './limits.js';
import { nodesOf } from './node-answers.js';
import { type Handlers, plans } from './plans.js';
import { waits } from './reply-queue.js';
import type { RoutedSession } from './routed-session.js';
import type { Run, RunOwner } from './run.js';

/** What a node answers as well as the gateway does, in a transaction. */
const answeredAnywhere: ReadonlySet<string> = new Set([
  'PING',
  'ECHO',
  'TIME',
  'SELECT',
  'LOLWUT',
  'COMMAND',
]);

/** Concern one shard, or any one, though they are no commands of a key. */
const ofOneShard = new Set([
  'DEL',
  'UNLINK',
  'EXISTS',
  'TOUCH',
  'MGET',
  'MSET',
  'KV.MGET',
  'PUBLISH',
  'WAIT',
  'WAITAOF',
]);

/** Each node has to do them: a transaction is at one. */
const aboutNodes: ReadonlySet<string> = new Set(['config|set', 'save', 'bgsave', 'bgrewriteaof', 'lastsave']);

export class TransactionCommands {
  readonly handlers: Handlers = {
    exec: (session, command, request, reply) => this.#exec(session, command, request, reply),
    watch: (session, command, request, reply) => this.#watch(session, command, request, reply),
    unwatch: (session, _command, request, reply) => this.#unwatch(session, request, reply),
    discard: (session, _command, request, reply) => this.#unwatch(session, request, reply),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  /** Takes a command into the session's transaction. */
  queue(session: RoutedSession, command: Command, request: Request, reply: Reply, plan: number): Outcome {
    const coordinator = this.#coordinator;
    const problem = this.#problemOf(session, command, request, plan);
    if (problem === null) return coordinator.own(session, request, reply);
    session.transaction!.failed = true;
    return coordinator.fail(session, reply, problem);
  }

  /** Why a command can't be part of the transaction; null when it can. */
  #problemOf(session: RoutedSession, command: Command, request: Request, plan: number): string | null {
    const coordinator = this.#coordinator;
    if (plan === plans.own && answeredAnywhere.has(command.name)) return null;
    const isOfOne = ofOneShard.has(command.name);
    if (
      command.name.endsWith('SUBSCRIBE') ||
      command.name === 'DEBUG' ||
      plan === plans.own ||
      (plan === plans.special && !isOfOne && coordinator.router.shardCount > 1) ||
      (aboutNodes.has(command.fullName) && nodesOf(coordinator).length > 1)
    ) {
      return `ERR '${command.fullName}' can't be part of a transaction in a cluster`;
    }
    if (command.keySpecs.length === 0 || !namesKeys(command, request)) return null;
    const route = coordinator.routing.of(session, command, request);
    if (route === null) return coordinator.routing.problem;
    if (session.boundTo !== null && session.boundTo !== route) return crossSlot;
    session.boundTo = route;
    return null;
  }

  #watch(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    if (session.transaction !== null) return coordinator.own(session, request, reply);
    const route = coordinator.routing.of(session, command, request);
    if (route === null) return coordinator.fail(session, reply, coordinator.routing.problem);
    if (session.boundTo !== null && session.boundTo !== route) {
      return coordinator.fail(session, reply, crossSlot);
    }
    session.boundTo = route;
    session.watchAt(session.lane(route));
    return coordinator.forwardTo(session, route, command, request, reply);
  }

  /** Ends what is watched, at its node and here; and with it a transaction, by the gateway's own server. */
  #unwatch(session: RoutedSession, request: Request, reply: Reply): Outcome {
    const isKept = request.is(0, 'UNWATCH') && session.transaction !== null;
    if (!isKept) this.forget(session);
    return this.#coordinator.own(session, request, reply);
  }

  /** Ends what is watched. */
  forget(session: RoutedSession): void {
    const lane = session.forgetWatched();
    if (lane === null || lane.number < 0) return;
    const { forwarder, kv } = this.#coordinator;
    const request = Request.of('UNWATCH');
    forwarder.ask(session, lane, kv.registry.byName('UNWATCH')!, request, Gathering.ofValues(() => {}).add());
  }

  #exec(session: RoutedSession, _command: Command, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    const { transaction } = session;
    if (transaction === null) return coordinator.own(session, request, reply);
    // If the shard is led elsewhere by now, it is found out here that the watch is lost.
    if (session.boundTo !== null) session.lane(session.boundTo).ready();
    const isEmpty = transaction.queue.length === 0 && session.boundTo === null;
    if (transaction.failed || session.watchBroken || isEmpty) {
      const outcome = coordinator.own(session, request, reply);
      this.forget(session);
      return outcome;
    }
    const { queue } = transaction;
    const route = session.boundTo ?? coordinator.router.first;
    const isGuarded = session.forgetWatched() !== null;
    coordinator.kv.host.discard(session);
    if (route === null) return coordinator.fail(session, reply, slotNotServed);
    const bytes = queue.reduce((sum, queued) => sum + frameLength(queued.request), 0);
    if (bytes > requestBytesMax) return coordinator.fail(session, reply, tooLarge(bytes));
    // Those who monitor see what is in it before its EXEC, as where they are run.
    for (const queued of queue) coordinator.front.observe(session, queued.command, queued.request);
    const database = selectedBy(queue);
    const owner = database < 0 ? session.replies : new Selecting(session, database);
    const outcome = coordinator.forwarder.transact(session, session.lane(route), queue, owner, isGuarded);
    if (database < 0) return outcome;
    // Which database the next request is for is known when this one is answered.
    session.replies.waitsFor = waits.all;
    session.isBlocked = true;
    return outcomes.pending;
  }
}

/** The session is in another database once the transaction is done. */
class Selecting implements RunOwner {
  readonly #session: RoutedSession;
  readonly #database: number;

  constructor(session: RoutedSession, database: number) {
    this.#session = session;
    this.#database = database;
  }

  answered(run: Run, count: number, bytes: Buffer, start: number, length: number, version: number): void {
    const isDone = bytes[start] === 42 && bytes[start + 1] !== 45;
    if (isDone) this.#session.database = this.#database;
    this.#session.replies.answered(run, count, bytes, start, length, version);
  }

  failed(run: Run, message: string): void {
    this.#session.replies.failed(run, message);
  }

  split(): void {}
}

/** The database that a transaction leaves behind; -1 when it selects none. */
function selectedBy(queue: readonly QueuedCommand[]): number {
  let database = -1;
  for (const { command, request } of queue) {
    const index = command.name === 'SELECT' ? request.integer(1) : -1;
    if (index >= 0 && index < databasesMax) database = index;
  }
  return database;
}

function namesKeys(command: Command, request: Request): boolean {
  let count = 0;
  command.forEachKey(request, () => count++);
  return count > 0;
}

function tooLarge(bytes: number): string {
  return `LIMIT the transaction has ${bytes} bytes, and requests in a cluster have at most ${requestBytesMax}`;
}
