/**
 * Executes runs: the requests of a run one after the other, until one waits; then the rest waits with it.
 */
// @hot-path
import { emptyBytes, Request } from '@holdfast/common';
import { DiscardReply, discardedBecause, type Outcome, outcomes } from '@holdfast/coord';
import { RequestDecoder } from '../resp/decoder.js';
import { batchCountMax } from '../resp/request-batch.js';
import { type Connection, readModes } from './connection.js';
import { invalidMessage } from './errors.js';
import type { NodeExporter } from './exporter.js';
import { outputMessageBytes } from './limits.js';
import { entryKinds, type Outbox } from './outbox.js';
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
  readonly #decoder = new RequestDecoder(Number.POSITIVE_INFINITY);
  readonly #transactionReply = new TransactionReply();
  /** Sessions that were written to while requests were executed. */
  #awake: NodeSession[] = [];
  #isRunning = false;
  #isServing = false;

  constructor(exporter: NodeExporter, connection: Connection, outbox: Outbox) {
    this.#exporter = exporter;
    this.#connection = connection;
    this.#outbox = outbox;
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
    this.#isRunning = true;
    if (run.isTransaction) this.#executeTransaction(session, run);
    else this.#executeAll(session, run);
    this.#isRunning = false;
    if (this.#awake.length > 0) this.serveAwake();
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
        const replyAt = out.length;
        state.arrival = run.arrival;
        const outcome = coordinator.coordinate(state, batch.requests[i], out);
        if (outcome !== outcomes.done || out.isRefused) {
          this.#stop(session, run, part, batch.ends[i], replyAt, outcome);
          return;
        }
        part.count++;
        if (state.dependsOn > part.dependedOn && part.firstVersion === 0) part.firstVersion = state.dependsOn;
        if (out.length - replyAt > outputMessageBytes) out.limit(replyAt);
        if (out.length < outputMessageBytes) continue;
        this.#end(session, run, part);
        this.#exporter.flushNow(this.#connection);
        part = this.#begin(session, run);
      }
    }
    batch.forget();
    this.#end(session, run, part);
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
    decoder.request.bytes = emptyBytes;
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
    if (session.messages.length > 0) this.#pushMessages(session);
    this.#goOn(session);
  }

  #answerLate(session: NodeSession, waiting: WaitingRun): void {
    const { reply } = session;
    if (reply.isRefused || session.isRefusing) {
      this.refuse(session);
      return;
    }
    session.waiting = null;
    const { out } = this.#outbox;
    const part = this.#begin(session, waiting);
    out.raw(reply.bytes, 0, reply.length);
    out.limit(part.replyAt);
    reply.clear();
    part.count = 1;
    this.#end(session, waiting, part);
  }

  #goOn(session: NodeSession): void {
    while (session.queue.length > 0 && session.waiting === null && !session.isRefusing) {
      this.execute(session, session.dequeue());
    }
  }

  #pushMessages(session: NodeSession): void {
    const { messages } = session;
    const { out } = this.#outbox;
    const start = out.length;
    out.messages(session.number, messages.bytes, 0, messages.length);
    messages.clear();
    this.#outbox.add(entryKinds.push, session, 0, 0, start, 0);
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
