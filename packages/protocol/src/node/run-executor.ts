/**
 * Executes runs: the requests of a run one after the other, until one waits; then the rest waits with it. So it does when
 * much was replied and is unsent: it is held, and goes on in a later turn, one session after the other.
 */
// @hot-path
import { Request } from '@holdfast/common';
import { DiscardReply, discardedBecause, type Outcome, outcomes } from '@holdfast/coord';
import { RequestDecoder } from '../resp/decoder.js';
import { batchCountMax } from '../resp/request-batch.js';
import { type Connection, readModes } from './connection.js';
import { invalidMessage } from './errors.js';
import type { NodeExporter } from './exporter.js';
import { outputMessageBytes, outputSliceBytes } from './limits.js';
import { entryKinds, type Outbox } from './outbox.js';
import { Pushes } from './pushes.js';
import { type NodeSession, type RunView, WaitingRun } from './session.js';

const multi = Request.of('MULTI');
const exec = Request.of('EXEC');
const discard = Request.of('DISCARD');

/** Takes what the parts of a transaction reply before its end. */
class TransactionReply extends DiscardReply {
  isRefused = false;
  /** Why the first of those that can't be queued can't be; empty when all are. */
  problem = '';

  clear(): void {
    this.isRefused = false;
    this.problem = '';
  }

  override error(message: string): void {
    if (this.problem === '') this.problem = message;
  }

  override notLeader(): void {
    this.isRefused = true;
  }
}

export class RunExecutor {
  readonly #exporter: NodeExporter;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #pushes: Pushes;
  readonly #decoder = new RequestDecoder(Number.POSITIVE_INFINITY);
  readonly #transactionReply = new TransactionReply();
  /** Sessions that were written to while requests were executed. */
  #awake: NodeSession[] = [];
  /** Sessions whose queues go on when there is room for replies, in their order. */
  #held: NodeSession[] = [];
  #isRunning = false;
  #isServing = false;

  constructor(exporter: NodeExporter, connection: Connection, outbox: Outbox) {
    this.#exporter = exporter;
    this.#connection = connection;
    this.#outbox = outbox;
    this.#pushes = new Pushes(connection, outbox);
  }

  /** A session was written to: perhaps by what is being executed for this very stream. */
  awake(session: NodeSession): void {
    this.#awake.push(session);
    this.serveAwake();
  }

  /** Passes on what sessions were written meanwhile, and goes on with what waited in them. */
  serveAwake(): void {
    if (this.#isRunning || this.#isServing) return;
    this.#isServing = true;
    while (this.#awake.length > 0) {
      const awake = this.#awake;
      this.#awake = [];
      for (const session of awake) this.#serve(session);
    }
    this.#isServing = false;
  }

  execute(session: NodeSession, run: RunView): void {
    this.#prepare(session, run);
    this.#isRunning = true;
    if (run.isTransaction) this.#executeTransaction(session, run);
    else this.#executeAll(session, run);
    if (this.#outbox.out.length >= outputMessageBytes) this.#flushLarge(session);
    this.#isRunning = false;
    if (this.#awake.length > 0) this.serveAwake();
  }

  /** What waits in a session goes on in a later turn, when there is room. */
  hold(session: NodeSession): void {
    if (session.isHeld) return;
    session.isHeld = true;
    session.sliceBytes = 0;
    this.#held.push(session);
    this.#exporter.goOnLater(this.#connection);
  }

  /** Each session that is held goes on for a while, as long as there is room. */
  goOn(): void {
    for (let left = this.#held.length; left > 0 && !this.#connection.isChoked; left--) {
      const session = this.#held.shift()!;
      session.isHeld = false;
      this.#goOn(session);
    }
  }

  /**
   * The client is gone, and what it had sent before is still held. It is done, as it would have been if there had been room
   * for its replies; these are for nobody. Not what would have to wait.
   */
  finish(session: NodeSession): void {
    while (session.canGoOn) {
      const run = session.dequeue();
      this.#prepare(session, run);
      this.#isRunning = true;
      const isDone = this.#executeUnheard(session, run);
      this.#isRunning = false;
      this.refuseRun(run.id, session);
      if (!isDone) return;
    }
  }

  #prepare(session: NodeSession, run: RunView): void {
    const { session: state, shard } = session;
    this.#exporter.touch(shard);
    state.database = run.database;
    state.dialect = run.dialect;
    state.waitedMs = run.waitedMs;
    state.readMode = readModes[run.readMode] ?? 'linearizable';
    if (session.permissions !== run.permissions) session.limitTo(run.permissions);
    if (state.noTouch !== run.noTouch) session.touchNothing(run.noTouch);
    if (session.tracking !== run.tracking) session.trackAs(run.tracking);
    session.reply.dialect = run.dialect;
    this.#outbox.out.dialect = run.dialect;
  }

  /** What waits in a session, and what is still sent to it, was not executed. */
  refuse(session: NodeSession): void {
    session.isRefusing = true;
    const { waiting } = session;
    session.waiting = null;
    if (waiting !== null) this.refuseRun(waiting.id, session);
    while (session.queue.length > 0) {
      const { id } = session.dequeue();
      if (id !== waiting?.id) this.refuseRun(id, session);
    }
    session.reply.clear();
  }

  /** `session` is null where it could not be opened. */
  refuseRun(id: number, session: NodeSession | null): void {
    if (session !== null) {
      if (session.refusedRun === id) return;
      session.refusedRun = id;
    }
    const { out } = this.#outbox;
    const start = out.begin(id);
    out.end(0, 0, 0, true);
    this.#outbox.add(entryKinds.note, session, id, 0, start, 0);
  }

  /** The session is closed. The gateway hears that what waited in it is over: it keeps it until then, and its client with it. */
  forget(session: NodeSession): void {
    this.refuse(session);
    session.messages.clear();
    this.#awake = this.#awake.filter((each) => each !== session);
  }

  #executeAll(session: NodeSession, run: RunView): void {
    const { shard, session: state } = session;
    const { coordinator } = shard;
    const { out } = this.#outbox;
    const { bytes, end } = run;
    const { batch } = this.#exporter;
    const decoder = this.#decoder;
    let part = this.#begin(session, run);
    let at = run.start;
    while (at < end) {
      at = decoder.decodeBatch(bytes, at, end, batch, batchCountMax);
      const { count } = batch;
      if (count === 0) throw invalidMessage('a run must hold whole requests');
      if (count > 1) coordinator.prefetch(state, batch.requests, count);
      for (let i = 0; i < count; i++) {
        const replyAt = out.beginReply();
        state.arrival = run.arrival;
        const outcome = coordinator.coordinate(state, batch.requests[i], out);
        if (outcome !== outcomes.done || out.isRefused) {
          this.#stop(session, run, part, batch.ends[i], replyAt, outcome);
          return;
        }
        part.count++;
        if (state.dependsOn > part.dependedOn && part.firstVersion === 0) part.firstVersion = state.dependsOn;
        out.limit(replyAt);
        if (out.length < outputMessageBytes) continue;
        this.#end(session, run, part);
        this.#flushLarge(session);
        if (session.isHeld) {
          this.#holdRest(session, run, batch.ends[i]);
          return;
        }
        part = this.#begin(session, run);
      }
    }
    batch.forget();
    this.#end(session, run, part);
  }

  /** Much was replied: what is left of the run is held. */
  #holdRest(session: NodeSession, run: RunView, next: number): void {
    this.#decoder.reset();
    this.#exporter.batch.forget();
    if (next < run.end) session.enqueueFirst(new WaitingRun(run, next));
  }

  /** False when it would have to wait, or can't be done here: what follows is not done either. */
  #executeUnheard(session: NodeSession, run: RunView): boolean {
    const { coordinator } = session.shard;
    const { session: state } = session;
    const decoder = this.#decoder;
    const reply = this.#transactionReply;
    reply.clear();
    let outcome: Outcome = outcomes.done;
    if (run.isTransaction) outcome = coordinator.coordinate(state, multi, reply);
    for (let at = run.start; at < run.end && outcome === outcomes.done && !reply.isRefused; ) {
      const next = decoder.decode(run.bytes, at, run.end);
      if (next < 0) throw invalidMessage('a run must hold whole requests');
      at = next;
      state.arrival = run.arrival;
      outcome = coordinator.coordinate(state, decoder.request, reply);
    }
    decoder.request.release();
    const isDone = outcome === outcomes.done && !reply.isRefused;
    if (!run.isTransaction || !isDone) return isDone;
    return coordinator.coordinate(state, reply.problem === '' ? exec : discard, reply) === outcomes.done;
  }

  /** A request of the run was not answered: it waits, or was refused; or it ended its session. */
  #stop(
    session: NodeSession,
    run: RunView,
    part: Part,
    next: number,
    replyAt: number,
    outcome: Outcome,
  ): void {
    const { out } = this.#outbox;
    this.#decoder.reset();
    if (out.isRefused) {
      out.isRefused = false;
      this.#end(session, run, part);
      session.waiting = new WaitingRun(run, run.end);
      this.refuse(session);
    } else if (outcome === outcomes.pending) {
      // What a transaction replied before its script had to wait.
      out.moveTo(session.reply, replyAt);
      this.#end(session, run, part);
      session.waiting = new WaitingRun(run, run.end);
      if (next < run.end) session.enqueueFirst(new WaitingRun(run, next));
    } else {
      part.count++;
      this.#end(session, run, part);
      if (next < run.end) session.enqueueFirst(new WaitingRun(run, next));
      this.#connection.endSession(session);
    }
  }

  /** MULTI, the requests, EXEC: only its reply is sent. */
  #executeTransaction(session: NodeSession, run: RunView): void {
    const { shard, session: state } = session;
    const { coordinator } = shard;
    const { out } = this.#outbox;
    const reply = this.#transactionReply;
    reply.clear();
    let isPending = coordinator.coordinate(state, multi, reply) === outcomes.pending;
    const decoder = this.#decoder;
    for (let at = run.start; at < run.end && !isPending && !reply.isRefused; ) {
      const next = decoder.decode(run.bytes, at, run.end);
      if (next < 0) throw invalidMessage('a run must hold whole requests');
      at = next;
      isPending = coordinator.coordinate(state, decoder.request, reply) === outcomes.pending;
    }
    decoder.request.release();
    if (isPending || reply.isRefused) {
      // Nothing was executed: queueing does not wait, so somebody holds this session back.
      if (!isPending) coordinator.coordinate(state, discard, reply);
      session.waiting = new WaitingRun(run, run.end);
      this.#connection.endSession(session);
      return;
    }
    const part = this.#begin(session, run);
    if (reply.problem !== '') {
      // The client was told that all are queued: it has not heard what EXEC would call a previous error.
      coordinator.coordinate(state, discard, reply);
      out.error(discardedBecause + reply.problem.replace(/^ERR /, ''));
      part.count = 1;
      this.#end(session, run, part);
      return;
    }
    state.arrival = run.arrival;
    const outcome = coordinator.coordinate(state, exec, out);
    if (outcome !== outcomes.done || out.isRefused) {
      this.#stop(session, run, part, run.end, part.replyAt, outcome);
      return;
    }
    part.count = 1;
    out.limit(part.replyAt);
    part.firstVersion = state.dependsOn > part.dependedOn ? state.dependsOn : 0;
    this.#end(session, run, part);
  }

  /** A session was written to: the reply of the command that waited, or messages, which may be about what that reply says. */
  #serve(session: NodeSession): void {
    if (session.waiting !== null && !session.session.isBlocked) this.#answerLate(session, session.waiting);
    if (session.messages.length > 0) this.#pushes.passOn(session);
    this.#goOn(session);
  }

  #answerLate(session: NodeSession, waiting: WaitingRun): void {
    const { reply } = session;
    if (reply.isRefused || session.isRefusing) {
      this.refuse(session);
      return;
    }
    session.waiting = null;
    const part = this.#begin(session, waiting);
    this.#outbox.out.takeFrom(reply);
    part.count = 1;
    this.#end(session, waiting, part);
    this.#makeRoom();
  }

  /**
   * What follows may be as long as a message can be. Nothing is settled, unlike in `#flushLarge`: this may be within a
   * command of somebody else, and what it does is one group.
   */
  #makeRoom(): void {
    if (this.#outbox.out.length >= outputMessageBytes) this.#outbox.flush();
  }

  #goOn(session: NodeSession): void {
    while (session.canGoOn && !session.isPaused && !session.isHeld) {
      if (this.#connection.isChoked) this.hold(session);
      else this.execute(session, session.dequeue());
    }
    if (session.unblocking === '' || session.queue.length > 0) return;
    const mode = session.unblocking;
    session.unblocking = '';
    if (session.waiting !== null) this.#connection.unblock(session, mode);
  }

  /** A message holds one reply of any length, and little else. Who had many makes room for others. */
  #flushLarge(session: NodeSession): void {
    session.sliceBytes += this.#outbox.out.length;
    this.#exporter.flushNow(this.#connection);
    if (session.sliceBytes > outputSliceBytes || this.#connection.isChoked) this.hold(session);
  }

  #begin(session: NodeSession, run: RunView): Part {
    const start = this.#outbox.out.begin(run.id);
    const part = this.#part;
    part.start = start;
    part.replyAt = this.#outbox.out.length;
    part.count = 0;
    part.dependedOn = session.session.dependsOn;
    part.firstVersion = 0;
    return part;
  }

  #end(session: NodeSession, run: RunView, part: Part): void {
    const { out } = this.#outbox;
    const version = run.wantsVersion ? session.session.keyVersion : 0;
    if (!out.end(part.count, version, 0, false)) return;
    this.#outbox.add(entryKinds.replies, session, run.id, part.count, part.start, part.firstVersion);
  }

  readonly #part = new Part();
}

/** An answer that is being written: one at a time. */
class Part {
  start = 0;
  replyAt = 0;
  count = 0;
  /** What the session depended on before. */
  dependedOn = 0;
  firstVersion = 0;
}
