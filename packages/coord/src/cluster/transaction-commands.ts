/**
 * MULTI is queued here, where names, arity and the shard of the keys are checked; EXEC sends what is of keys to that
 * one shard, where WATCH went before, and does the rest itself: see `mixed-transaction.ts`.
 */
import { type Reply, Request } from '@holdfast/common';
import type { Command, QueuedCommand } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { crossSlot, slotNotServed } from './errors.js';
import { frameLength } from './frames.js';
import { Gathering } from './gathering.js';
import { requestBytesMax } from './limits.js';
import { MixedTransaction, type PlacedCommand } from './mixed-transaction.js';
import { type Handlers, plans } from './plans.js';
import type { RoutedSession } from './routed-session.js';
import { placeOf, places } from './transaction-places.js';

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
  queue(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    const problem = this.#problemOf(session, command, request);
    if (problem === null) return coordinator.own(session, request, reply);
    session.transaction!.failed = true;
    return coordinator.fail(session, reply, problem);
  }

  /** Why a command can't be part of the transaction; null when it can. */
  #problemOf(session: RoutedSession, command: Command, request: Request): string | null {
    const { routing } = this.#coordinator;
    const place = placeOf(this.#coordinator, session, command, request);
    if (typeof place === 'string') return place;
    if (place !== places.shard || !namesKeys(command, request)) return null;
    const route = routing.of(session, command, request);
    if (route === null) return routing.problem;
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

  #exec(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    const { transaction } = session;
    if (transaction === null) return coordinator.own(session, request, reply);
    // If the shard is led elsewhere by now, it is found out here that the watch is lost.
    if (session.boundTo !== null) session.lane(session.boundTo).ready();
    const queue = transaction.failed ? [] : this.#placed(session, transaction.queue);
    const isOfShard = session.boundTo !== null || queue.some(({ place }) => place === places.shard);
    const isOwn =
      !isOfShard && queue.every(({ command }) => coordinator.plans.kinds[command.id] === plans.own);
    if (transaction.failed || session.watchBroken || isOwn) {
      const outcome = coordinator.own(session, request, reply);
      this.forget(session);
      return outcome;
    }
    const route = session.boundTo ?? coordinator.router.first;
    const isGuarded = session.forgetWatched() !== null;
    coordinator.kv.host.discard(session);
    if (!isOfShard) return new MixedTransaction(coordinator, session, queue, command, request).runHere();
    if (route === null) return coordinator.fail(session, reply, slotNotServed);
    const share = queue.filter(({ place }) => place !== places.gateway);
    const bytes = share.reduce((sum, queued) => sum + frameLength(queued.request), 0);
    if (bytes > requestBytesMax) return coordinator.fail(session, reply, tooLarge(bytes));
    const lane = session.lane(route);
    if (share.length === queue.length && queue.every((queued) => queued.command.name !== 'SELECT')) {
      // Those who monitor see what is in it before its EXEC, as where they are run.
      for (const queued of queue) coordinator.front.observe(session, queued.command, queued.request);
      return coordinator.forwarder.transact(session, lane, share, isGuarded);
    }
    for (const queued of queue)
      if (queued.command.fullName === 'script|load') this.#loadScript(session, queued);
    const mixed = new MixedTransaction(coordinator, session, queue, command, request);
    coordinator.forwarder.askTransaction(session, lane, share, mixed, isGuarded);
    return mixed.awaitShard();
  }

  #placed(session: RoutedSession, queue: readonly QueuedCommand[]): PlacedCommand[] {
    return queue.map(({ command, request }) => {
      const place = placeOf(this.#coordinator, session, command, request);
      // What could be part of it when it was queued: a shard that came since does not make it impossible.
      return { command, request, place: typeof place === 'string' ? places.gateway : place };
    });
  }

  /** The rest of the transaction may call the script, which all shards are to know before. */
  #loadScript(session: RoutedSession, { command, request }: QueuedCommand): void {
    const { forwarder, routing } = this.#coordinator;
    const said = Gathering.ofValues(() => {});
    for (const route of routing.shards())
      forwarder.ask(session, session.lane(route), command, request, said.add());
  }
}

function namesKeys(command: Command, request: Request): boolean {
  let count = 0;
  command.forEachKey(request, () => count++);
  return count > 0;
}

function tooLarge(bytes: number): string {
  return `LIMIT the transaction has ${bytes} bytes, and requests in a cluster have at most ${requestBytesMax}`;
}
