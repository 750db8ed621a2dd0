/**
 * One Batch stream: messages in, requests to the coordinator, results out in any order.
 *
 *     message   | command | command | BLPOP ... | command |
 *                   lane A     lane A   lane A      lane B     a lane is a session: one command at a time
 *                                         '-- waits, and with it lane A; lane B goes on
 *
 * Commands leave nothing behind in a session, so that any lane does for any command. Results of a turn go
 * out as one message, once the versions it depends on are committed.
 */
// @hot-path
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { KvError } from '@holdfast/common';
import {
  type Coordinator,
  type Credentials,
  outcomes,
  revokedError,
  type TurnListener,
  type Turns,
  unsupported,
} from '@holdfast/coord';
import type { Settings } from '../settings.js';
import { CommandDecoder, operations } from './decoder.js';
import { callStatus, messageOf } from './errors.js';
import { FreeLanes } from './free-lanes.js';
import { isFreshness, setFreshness, unknownFreshness } from './freshness.js';
import type { Lane, LaneOwner } from './lane.js';
import { onTheirWayMax, outputMessageBytes, outputPauseBytes, turnCommandsMax } from './limits.js';
import { ResultReply } from './reply.js';
import { WaitingLanes } from './waiting-lanes.js';

export type BatchCall = ServerDuplexStream<Buffer, Buffer>;

export interface ConnectionOptions {
  readonly call: BatchCall;
  readonly coordinator: Coordinator;
  readonly turns: Turns;
  readonly config: Settings;
  readonly credentials: Credentials | null;
  readonly database: number;
  /** The next message was executed. */
  readonly onExecuted: () => void;
  readonly onClosed: (connection: Connection) => void;
}

export class Connection implements TurnListener, LaneOwner {
  readonly #call: BatchCall;
  readonly #coordinator: Coordinator;
  readonly #turns: Turns;
  readonly #config: Settings;
  readonly #database: number;
  readonly #onExecuted: () => void;
  readonly #onClosed: (connection: Connection) => void;
  readonly #decoder = new CommandDecoder();
  readonly #reply = new ResultReply();
  /** The lane for the next command; null when one must be taken. */
  #lane: Lane | null = null;
  readonly #free: FreeLanes;
  readonly #waiting = new WaitingLanes();
  /** Lanes whose command was answered while another is being run. */
  readonly #finished: Lane[] = [];
  #isRunning = false;
  /** What the results that were not sent yet depend on. */
  #dependsOn = 0;
  /** Sent, or held for a commit, and not yet taken by the network. */
  #unsentBytes = 0;
  /** In the middle of a message: no other is read. */
  #isPaused = false;
  /** The client does not read, or too much is on its way: nothing runs until that is over. */
  #isChoked = false;
  #isInputEnded = false;
  #isClosed = false;
  #isAtEnd = false;

  constructor(options: ConnectionOptions) {
    const { call, coordinator, credentials } = options;
    this.#call = call;
    this.#coordinator = coordinator;
    this.#free = new FreeLanes(this, { coordinator, credentials, peer: call.getPeer() });
    this.#turns = options.turns;
    this.#config = options.config;
    this.#database = options.database;
    this.#onExecuted = options.onExecuted;
    this.#onClosed = options.onClosed;
  }

  /** Opens the first session, so that a client that is not admitted hears of it now. Throws KvError. */
  start(): void {
    this.#lane = this.#free.take();
    const call = this.#call;
    call.on('data', (message: Buffer) => this.receive(message));
    call.on('end', () => this.#endInput());
    call.on('cancelled', () => this.closed());
    call.on('error', () => this.closed());
  }

  get outputBytes(): number {
    return this.#unsentBytes + this.#reply.out.length;
  }

  /** A message arrived; none is being executed. */
  receive(message: Buffer): void {
    if (this.#isClosed) return;
    this.#decoder.open(message);
    this.#execute();
  }

  /** The command that waited in a lane is answered: perhaps by one that is being run for this very stream. */
  finish(lane: Lane): void {
    if (this.#isRunning) this.#finished.push(lane);
    else this.#finish(lane);
  }

  #finish(lane: Lane): void {
    if (this.#isClosed || !this.#waiting.has(lane)) return;
    const value = lane.reply.take();
    if (value === undefined) return;
    this.#waiting.remove(lane);
    const { session } = lane;
    this.#answer(lane.operation, lane.id);
    this.#reply.value(value);
    this.#reply.end(session.keyVersion);
    if (session.dependsOn > this.#dependsOn) this.#dependsOn = session.dependsOn;
    // Many may be answered at once, by one write or by one read of the disk: together they are no message.
    if (this.#reply.out.length >= outputMessageBytes) this.#send();
    this.#free.give(lane);
    this.#turns.begin();
    this.#flushLater();
    this.#goOn();
  }

  /** Executes on, when what held that up is over. */
  #goOn(): void {
    if (!this.#isChoked || this.#isRunning) return;
    if (this.#unsentBytes > outputPauseBytes || this.#waiting.onTheirWay > onTheirWayMax / 2) return;
    this.#isChoked = false;
    this.#execute();
  }

  /** Ends the stream with a status. */
  fail(error: unknown): void {
    if (this.#isClosed) return;
    this.closed();
    this.#call.emit('error', callStatus(error));
  }

  /** The stream is gone: its sessions end, and with them what waits. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#lane !== null) this.#coordinator.close(this.#lane.session);
    this.#free.close();
    for (const lane of this.#waiting.all()) this.#coordinator.close(lane.session);
    this.#waiting.clear();
    this.#onClosed(this);
  }

  // TurnListener

  endTurn(): void {
    this.#isAtEnd = false;
    if (this.#isClosed) return;
    this.#send();
    if (this.#isPaused && !this.#isChoked) this.#execute();
    else this.#endWhenDone();
  }

  /** Runs what is left of the message, for one turn at most. */
  #execute(): void {
    this.#turns.begin();
    try {
      const isDone = this.#executeSome();
      if (this.#isClosed) return;
      if (isDone) this.#onExecuted();
      if (isDone === this.#isPaused) this.#pause(!isDone);
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.fail(error.code === 'CORRUPT' ? new KvError('INVALID', error.message) : error);
      return;
    }
    this.#flushLater();
  }

  /** Whether the message was executed to its end. */
  #executeSome(): boolean {
    const decoder = this.#decoder;
    const { out } = this.#reply;
    for (let budget = turnCommandsMax; decoder.next(); budget--) {
      this.#run();
      if (this.#isClosed) return true;
      if (out.length >= outputMessageBytes) this.#send();
      if (this.#unsentBytes > outputPauseBytes || this.#waiting.onTheirWay >= onTheirWayMax) {
        this.#isChoked = true;
        return false;
      }
      if (budget === 0) return false;
    }
    if (decoder.cancelled.length > 0) this.#cancel();
    return true;
  }

  #run(): void {
    const decoder = this.#decoder;
    const reply = this.#reply;
    const { request } = decoder;
    reply.begin(decoder.operation, decoder.bytes, decoder.idStart, decoder.idLength);
    const problem = this.#problem();
    if (problem !== null) {
      reply.error(problem);
      reply.end(0);
      return;
    }
    const lane = this.#lane ?? this.#takeLane();
    if (lane === null) return;
    const { session } = lane;
    session.database = decoder.database < 0 ? this.#database : decoder.database;
    session.dialect = decoder.protocol;
    setFreshness(session, decoder.freshness);
    reply.dialect = decoder.protocol;
    lane.reply.dialect = decoder.protocol;
    this.#isRunning = true;
    const outcome = this.#coordinator.coordinate(session, request, reply);
    this.#isRunning = false;
    if (outcome === outcomes.pending) {
      this.#wait(lane);
    } else {
      reply.end(session.keyVersion);
      if (session.dependsOn > this.#dependsOn) this.#dependsOn = session.dependsOn;
      if (outcome === outcomes.close) {
        this.#coordinator.close(session);
        this.#lane = null;
      }
    }
    while (this.#finished.length > 0) this.#finish(this.#finished.shift()!);
  }

  /**
   * Another lane for this command. Null when none is to be had: then the command is answered by that, and by nothing
   * else, since those before it may have been executed.
   */
  #takeLane(): Lane | null {
    try {
      this.#lane = this.#free.take();
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.#reply.error(messageOf(error));
      this.#reply.end(0);
    }
    return this.#lane;
  }

  /** Why the command is not to be run, as an error reply. */
  #problem(): string | null {
    const { problem, database, freshness, operation, request } = this.#decoder;
    if (problem !== '') return `INVALID ${problem}`;
    if (!isFreshness(freshness)) return `INVALID ${unknownFreshness}`;
    if (database >= 0 && database >= this.#config.number('databases')) {
      return 'INVALID there is no database of that number';
    }
    return operation === operations.execute ? unsupported(request) : null;
  }

  /** The command waits in its lane; the next one gets another. */
  #wait(lane: Lane): void {
    const { id, operation } = this.#decoder;
    this.#lane = null;
    const problem = this.#waiting.add(lane, id, operation);
    if (problem === null) return;
    this.#coordinator.close(lane.session);
    this.#reply.error(problem);
    this.#reply.end(0);
  }

  #cancel(): void {
    const { cancelled } = this.#decoder;
    for (const id of cancelled) {
      const lane = this.#waiting.get(id);
      if (lane === undefined) continue;
      this.#waiting.remove(lane);
      this.#coordinator.close(lane.session);
      this.#answer(lane.operation, id);
      this.#reply.error('CANCELLED the command was cancelled while it waited');
      this.#reply.end(0);
    }
    cancelled.length = 0;
  }

  /** Begins a result for an id that was kept. */
  #answer(operation: number, id: string): void {
    const bytes = Buffer.from(id, 'latin1');
    this.#reply.begin(operation, bytes, 0, bytes.length);
  }

  #flushLater(): void {
    if (this.#isAtEnd) return;
    this.#isAtEnd = true;
    this.#turns.atEnd(this);
  }

  /** Sends the results so far as one message, once they may be seen. */
  #send(): void {
    const { out } = this.#reply;
    if (out.length === 0) return;
    const message = out.take();
    this.#unsentBytes += message.length;
    const dependsOn = this.#dependsOn;
    this.#dependsOn = 0;
    this.#turns.whenCommitted(
      dependsOn,
      () => this.#write(message),
      (fate) => this.fail(new KvError('COMMAND', revokedError(fate))),
    );
  }

  #write(message: Buffer): void {
    if (this.#isClosed) return;
    this.#call.write(message, () => {
      this.#unsentBytes -= message.length;
      if (this.#isClosed) return;
      if (this.#isChoked) this.#goOn();
      else this.#endWhenDone();
    });
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (isPaused) this.#call.pause();
    else this.#call.resume();
  }

  #endInput(): void {
    this.#isInputEnded = true;
    this.#flushLater();
  }

  /** The client sends no more, and everything is answered. */
  #endWhenDone(): void {
    if (!this.#isInputEnded || this.#isPaused || this.#waiting.size > 0 || this.outputBytes > 0) return;
    this.closed();
    this.#call.end();
  }
}
