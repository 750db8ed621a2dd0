/** Passes requests on to the nodes that execute them. */
// @hot-path
import type { Request } from '@holdfast/common';
import type { Command, QueuedCommand, ReadMode, Registry } from '@holdfast/engine';
import { type Outcome, outcomes } from '../coordinator.js';
import { Frames, frameLength, requestKinds } from './frames.js';
import type { Lane } from './lane.js';
import { requestBytesMax } from './limits.js';
import { waits } from './reply-queue.js';
import type { RoutedSession } from './routed-session.js';
import { Run, type RunOwner } from './run.js';
import type { ShardRoute } from './shard-route.js';
import { trackingBits, trackingModeOf } from './tracking-mode.js';

/** As the wire numbers them. */
const readModes: Readonly<Record<ReadMode, number>> = { linearizable: 0, lease: 1, stale: 2 };

/** `ifAsked`: with the option BLOCK. */
const lasting = { never: 0, always: 1, ifAsked: 2 } as const;

export class Forwarder {
  /**
   * By the ids of commands: whether sending one twice may do something twice, whether any replica will do, and whether
   * it may wait for others.
   */
  readonly #kinds: Uint8Array;
  readonly #isReadonly: Uint8Array;
  readonly #lasts: Uint8Array;

  constructor(registry: Registry) {
    const commands = registry.commands.flatMap((command) => [command, ...command.subcommands.values()]);
    const count = Math.max(...commands.map(({ id }) => id)) + 1;
    this.#kinds = new Uint8Array(count);
    this.#isReadonly = new Uint8Array(count);
    this.#lasts = new Uint8Array(count);
    for (const { flags, id, isWrite, name, waitsForOthers } of commands) {
      if (waitsForOthers) this.#lasts[id] = lasting.always;
      if (name === 'XREAD' || name === 'XREADGROUP') this.#lasts[id] = lasting.ifAsked;
      if (isWrite || flags.has('may_replicate')) this.#kinds[id] = requestKinds.write;
      if (flags.has('readonly')) this.#isReadonly[id] = 1;
    }
  }

  /** The session's way to a shard for such a command. */
  lane(session: RoutedSession, route: ShardRoute, command: Command): Lane {
    const isStale = session.readMode === 'stale' && this.#isReadonly[command.id] === 1;
    return isStale ? session.staleLane(route) : session.lane(route);
  }

  /** It may wait for others, and its client with it. */
  lasts(command: Command, request: Request): boolean {
    const kind = this.#lasts[command.id];
    return kind === lasting.ifAsked ? asksToWait(request) : kind === lasting.always;
  }

  /** Why a request can't be passed on; null when it can. */
  problemOf(request: Request): string | null {
    const bytes = request.frameEnd === 0 ? frameLength(request) : request.frameEnd - request.frameStart;
    if (bytes <= requestBytesMax) return null;
    return `LIMIT the request has ${bytes} bytes, and requests in a cluster have at most ${requestBytesMax}`;
  }

  /** Passes on a request of which the client gets the reply as it is. */
  forward(session: RoutedSession, route: ShardRoute, command: Command, request: Request): Outcome {
    const { replies } = session;
    const kind = this.#kinds[command.id];
    const isLasting = this.lasts(command, request);
    const readMode = readModes[session.readMode];
    const { permissions } = session;
    const lane = this.lane(session, route, command);
    const tracking = trackingModeOf(session.tracking, lane.isStale);
    const bytes = request.frameEnd === 0 ? frameLength(request) : request.frameEnd - request.frameStart;
    replies.requests++;
    replies.bytes += bytes;
    const channel = lane.ready();
    const open = channel === null ? null : channel.openRun;
    if (
      channel !== null &&
      open !== null &&
      open === replies.tail &&
      open.lane === lane &&
      open.database === session.database &&
      open.dialect === session.dialect &&
      open.readMode === readMode &&
      open.noTouch === session.noTouch &&
      open.permissions === permissions &&
      open.tracking === tracking &&
      open.isQuiet === (session.replyMode !== 'on') &&
      !isLasting
    ) {
      channel.append(open, request, kind);
      session.unanswered++;
    } else {
      const run = this.#newRun(session, lane, replies);
      run.permissions = permissions;
      run.isQuiet = session.replyMode !== 'on';
      run.isLasting = isLasting;
      if (!run.isLasting) session.unanswered++;
      replies.push(run);
      if (channel === null) this.#park(lane, run, request, kind);
      else {
        channel.begin(run, lane, bytes);
        if (run.isLasting) channel.appendLasting(run, request, kind);
        else channel.append(run, request, kind);
      }
    }
    if (isLasting) session.waitsAt(lane);
    return this.outcome(session, isLasting);
  }

  /**
   * Asks a shard on behalf of a session, in RESP3: the reply goes to `owner`. `permissions`: what the shard holds it to, of
   * a request that is the client's own.
   */
  ask(
    session: RoutedSession,
    lane: Lane,
    command: Command,
    request: Request,
    owner: RunOwner,
    permissions = '',
  ): void {
    const run = this.#newRun(session, lane, owner);
    run.permissions = permissions;
    run.dialect = 3;
    run.isLasting = this.lasts(command, request);
    // Its client keeps nothing of what it replies.
    if (command.isWrite) run.tracking &= ~trackingBits.reads;
    const kind = this.#kinds[command.id];
    const channel = lane.ready();
    if (channel === null) {
      this.#park(lane, run, request, kind);
      return;
    }
    channel.begin(run, lane, frameLength(request));
    if (run.isLasting) channel.appendLasting(run, request, kind);
    else channel.append(run, request, kind);
    channel.closeRun();
  }

  /** Asks a shard on behalf of the gateway itself, in RESP3. `tracking`: what holds for the client then, if it is one's lane. */
  tell(lane: Lane, request: Request, owner: RunOwner, tracking = 0): void {
    const run = new Run(owner, lane);
    run.dialect = 3;
    run.tracking = tracking;
    const channel = lane.ready();
    if (channel === null) {
      this.#park(lane, run, request, requestKinds.read);
      return;
    }
    channel.begin(run, lane, frameLength(request));
    channel.append(run, request, requestKinds.read);
    channel.closeRun();
  }

  /** Sends a transaction; its reply is that of EXEC. With `isGuarded` keys are watched in the lane's session. */
  transact(session: RoutedSession, lane: Lane, queue: readonly QueuedCommand[], isGuarded: boolean): Outcome {
    const { replies } = session;
    const run = this.#transaction(session, lane, queue, replies, isGuarded);
    replies.push(run);
    replies.requests++;
    replies.bytes += run.frames!.length;
    session.unanswered++;
    this.#sendOrPark(run, lane);
    return this.outcome(session, false);
  }

  /** As `transact`, but the reply goes to `owner`. */
  askTransaction(
    session: RoutedSession,
    lane: Lane,
    queue: readonly QueuedCommand[],
    owner: RunOwner,
    isGuarded: boolean,
  ): void {
    this.#sendOrPark(this.#transaction(session, lane, queue, owner, isGuarded), lane);
  }

  #transaction(
    session: RoutedSession,
    lane: Lane,
    queue: readonly QueuedCommand[],
    owner: RunOwner,
    isGuarded: boolean,
  ): Run {
    const frames = new Frames(1024, Math.max(1, queue.length));
    for (const { command, request } of queue) frames.append(request, this.#kinds[command.id]);
    const run = this.#newRun(session, lane, owner);
    run.isQuiet = session.replyMode !== 'on';
    run.permissions = session.permissions;
    run.isTransaction = true;
    run.isGuarded = isGuarded;
    run.requestsInTransaction = queue.length;
    run.count = 1;
    run.holdOwn(frames);
    return run;
  }

  #newRun(session: RoutedSession, lane: Lane, owner: RunOwner): Run {
    const run = new Run(owner, lane);
    run.database = session.database;
    run.dialect = session.dialect;
    run.readMode = readModes[session.readMode];
    run.noTouch = session.noTouch;
    run.tracking = trackingModeOf(session.tracking, lane.isStale);
    run.wantsVersion = session.protocol !== 'redis';
    return run;
  }

  #sendOrPark(run: Run, lane: Lane): void {
    const channel = lane.ready();
    if (channel === null) lane.park(run);
    else channel.resend(run, lane);
  }

  /** How the session goes on after a request that is answered in its turn. */
  outcome(session: RoutedSession, isBlocking: boolean): Outcome {
    const { replies } = session;
    if (isBlocking || !session.sink.takesLater) replies.waitsFor = waits.all;
    else if (replies.isFull) replies.waitsFor = waits.room;
    else return outcomes.later;
    session.isBlocked = true;
    session.isOnItsWay = !isBlocking;
    return outcomes.pending;
  }

  /** Nobody is there to be asked: the request waits. */
  #park(lane: Lane, run: Run, request: Request, kind: number): void {
    const frames = new Frames(frameLength(request), 1);
    frames.append(request, kind);
    run.holdOwn(frames);
    run.count = 1;
    lane.park(run);
  }
}

/** Whether there is a BLOCK among the options, or a group, a consumer or a key of that name. */
function asksToWait(request: Request): boolean {
  for (let i = 1; i < request.count; i++) if (request.is(i, 'BLOCK')) return true;
  return false;
}
