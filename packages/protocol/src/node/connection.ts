/**
 * One gateway's stream: runs in, each in the session of its client and shard; replies out in any order over
 * sessions.
 *
 *     message   | run, session 1 | run, session 2: BLPOP | run, session 1 | run, session 2 |
 *                 executed          waits                  executed         waits behind the BLPOP
 *
 * What a message's runs replied goes out as one message at the end of the turn, as far as it is committed. While too much
 * is unsent nothing is executed: runs wait in their sessions, and the stream is read on for what ends these.
 */
// @hot-path
import { KvError, type LeaderHint, Request } from '@holdfast/common';
import type { ReadMode } from '@holdfast/coord';
import { DiscardReply } from '@holdfast/coord';
import { node } from '@holdfast/rpc';
import { Arrivals } from './arrivals.js';
import { ForwardDecoder, found } from './decoder.js';
import { invalidMessage, streamStatus } from './errors.js';
import type { NodeExporter } from './exporter.js';
import {
  heldPauseBytes,
  inputPauseBytes,
  outputPauseBytes,
  sessionQueueBytesMax,
  sessionsMax,
} from './limits.js';
import { Outbox } from './outbox.js';
import { RunExecutor } from './run-executor.js';
import { NodeSession, WaitingRun } from './session.js';
import type { Shard } from './shard.js';

/** The stream, as gRPC gives it, or a pair of them within a process. */
export interface ForwardCall {
  on(event: 'data', listener: (message: Buffer) => void): unknown;
  on(event: 'end' | 'cancelled', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  emit(event: 'error', status: object): unknown;
  write(message: Buffer, written: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  end(): unknown;
  getPeer(): string;
}

const audienceKinds = ['channel', 'pattern', 'shard'] as const;

export class Connection {
  readonly #call: ForwardCall;
  readonly #exporter: NodeExporter;
  readonly #decoder = new ForwardDecoder();
  readonly #outbox: Outbox;
  readonly #executor: RunExecutor;
  readonly #arrivals: Arrivals;
  /** By their numbers. */
  readonly #sessions = new Map<number, NodeSession>();
  /** Sessions of shards that this node has no replica of. */
  readonly #absent = new Set<number>();
  /** Sessions for what the node does on behalf of the gateway itself, by their shards. */
  readonly #controls = new Map<Shard, NodeSession>();
  /** Given to the stream, and not yet taken by the network. */
  unsentBytes = 0;
  /** Too much is unsent, or waits for commits. */
  isChoked = false;
  /** What waits in all its sessions. */
  queuedBytes = 0;
  #isPaused = false;
  #isLeaving = false;
  #isClosed = false;

  constructor(exporter: NodeExporter, call: ForwardCall) {
    this.#exporter = exporter;
    this.#call = call;
    this.#outbox = new Outbox({ pool: exporter.pool, send: (bytes, length) => this.#send(bytes, length) });
    this.#executor = new RunExecutor(exporter, this, this.#outbox);
    this.#arrivals = new Arrivals(exporter, (message, arrival) => this.#open(message, arrival));
  }

  start(): void {
    const call = this.#call;
    call.on('data', (message) => this.receive(message));
    call.on('end', () => this.#end());
    call.on('cancelled', () => this.closed());
    call.on('error', () => this.closed());
  }

  receive(message: Buffer): void {
    if (!this.#isClosed) this.#arrivals.add(message);
  }

  // Called by sessions and the executor

  /** Something was written to a session that it did not ask for in the call being made. */
  awake(session: NodeSession): void {
    this.#executor.awake(session);
    this.#exporter.queue(this);
  }

  /** The node ends a session. */
  endSession(session: NodeSession): void {
    if (this.#sessions.get(session.number) !== session) return;
    const { coordinator } = session.shard;
    if (session.session.tracking !== null) coordinator.tracking.tell(session.session, null, 0);
    coordinator.close(session.session);
    this.#executor.refuse(session);
    this.#exporter.queue(this);
  }

  /** Sends what is committed by now: `settle` of the shards that executed something has been called. */
  flush(): void {
    this.#executor.serveAwake();
    this.#outbox.flush();
    if (this.unsentBytes > outputPauseBytes || this.#outbox.heldBytes > heldPauseBytes) this.isChoked = true;
    if (this.#isPaused) this.#pauseWhenFull();
  }

  /** Goes on with what was held, as far as there is room. */
  goOn(): void {
    if (this.#isClosed) return;
    this.#exporter.queue(this);
    try {
      this.#executor.goOn();
    } catch (error) {
      this.#failBy(error);
    }
  }

  release(shard: Shard): void {
    this.#outbox.release(shard);
    if (this.isChoked) this.#unchoke();
  }

  revoke(shard: Shard): void {
    this.#executor.serveAwake();
    this.#outbox.revoke(shard);
    for (const session of this.#sessions.values())
      if (session.shard === shard && session.isRefusing && session.hasNext) this.#refuseHeld(session);
    if (this.isChoked) this.#unchoke();
  }

  /** What is known of the leader of a shard, or of several. */
  tellLeads(leads: readonly { shard: string; leader: LeaderHint | null; epoch: number }[]): void {
    const messages = leads.map(({ shard, leader, epoch }) => ({
      shard,
      epoch,
      leader: leader?.node ?? '',
      nodeAddress: leader?.addresses.node ?? '',
      redisAddress: leader?.addresses.redis ?? '',
    }));
    this.#tell(node.ForwardResponse.fromPartial({ leads: messages }));
  }

  /** The node is about to end: who does not read is served by another one. */
  sayGoodbye(): void {
    this.#isLeaving = true;
    for (const session of this.#sessions.values())
      if (session.isPaused && session.canGoOn) this.#refuseHeld(session);
    this.#tell(node.ForwardResponse.fromPartial({ goodbye: true }));
  }

  /** Ends the stream with a status. */
  fail(error: KvError): void {
    if (this.#isClosed) return;
    this.closed();
    this.#call.emit('error', streamStatus(error));
  }

  /** The stream is gone: its sessions end, and with them what waits. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const session of this.#sessions.values()) session.shard.coordinator.close(session.session);
    for (const session of this.#controls.values()) session.shard.coordinator.close(session.session);
    this.#sessions.clear();
    this.#controls.clear();
    this.#outbox.clear();
    this.#exporter.removed(this);
  }

  // Messages

  #open(message: Buffer, arrival: number): void {
    if (this.#isClosed) return;
    this.#exporter.queue(this);
    try {
      this.#readMessage(message, arrival);
      if (this.isChoked) this.#pauseWhenFull();
    } catch (error) {
      this.#failBy(error);
    }
  }

  #failBy(error: unknown): void {
    if (!(error instanceof KvError)) throw error;
    this.fail(error.code === 'CORRUPT' ? invalidMessage(error.message) : error);
  }

  #readMessage(message: Buffer, arrival: number): void {
    const decoder = this.#decoder;
    decoder.open(message, arrival);
    for (let what = decoder.next(); what !== found.end; what = decoder.next()) {
      if (what === found.run) this.#run();
      else if (what === found.closed) this.#closeSession();
      else if (what === found.unblock) this.#unblock();
      else if (what === found.paused) this.#pauseSession(true);
      else if (what === found.resumed) this.#pauseSession(false);
      else this.#setAudience();
    }
  }

  #run(): void {
    const decoder = this.#decoder;
    const session = this.#sessions.get(decoder.session) ?? this.#openSession(decoder);
    if (session === null || session.isRefusing) {
      this.#executor.refuseRun(decoder.id, session);
    } else if (session.isBusy || this.isChoked) {
      session.enqueue(new WaitingRun(decoder, decoder.start));
      if (this.isChoked) this.#executor.hold(session);
      if (session.inputBytes > sessionQueueBytesMax)
        throw new KvError('LIMIT', 'too much waits in a session');
    } else {
      this.#executor.execute(session, decoder);
    }
  }

  /** Null when this node has no replica of the shard. */
  #openSession({ session: number, shard: shardName }: ForwardDecoder): NodeSession | null {
    if (this.#absent.has(number)) return null;
    if (this.#sessions.size + this.#absent.size >= sessionsMax)
      throw new KvError('LIMIT', `a stream has at most ${sessionsMax} sessions`);
    if (shardName === '') throw invalidMessage('the first run of a session must name its shard');
    const shard = this.#exporter.shard(shardName);
    if (shard === null) {
      this.#absent.add(number);
      return null;
    }
    const session = this.#newSession(number, shard);
    this.#sessions.set(number, session);
    return session;
  }

  #newSession(number: number, shard: Shard): NodeSession {
    const session = new NodeSession(this, number, shard, this.#exporter.pool);
    const options = { protocol: 'node', address: this.#call.getPeer(), localAddress: '', isForwarded: true };
    session.session = shard.coordinator.open(session, options)!;
    return session;
  }

  #closeSession(): void {
    const { session: number } = this.#decoder;
    this.#absent.delete(number);
    const session = this.#sessions.get(number);
    if (session === undefined) return;
    this.#sessions.delete(number);
    if (session.canGoOn) this.#executor.finish(session);
    session.shard.coordinator.close(session.session);
    this.#executor.forget(session);
    this.#exporter.queue(this);
  }

  #pauseSession(isPaused: boolean): void {
    const session = this.#sessions.get(this.#decoder.session);
    if (session === undefined) return;
    session.isPaused = isPaused;
    if (!session.canGoOn) return;
    if (!isPaused) this.#executor.hold(session);
    else if (this.#isLeaving) this.#refuseHeld(session);
  }

  /** What is held comes back: another node serves its client, or something before it came back. */
  #refuseHeld(session: NodeSession): void {
    this.#executor.refuse(session);
    this.#exporter.queue(this);
  }

  #unblock(): void {
    const session = this.#sessions.get(this.#decoder.session);
    if (session === undefined) return;
    const mode = this.#decoder.withError ? 'ERROR' : 'TIMEOUT';
    // A gateway sends nothing behind what may wait for long: that is the last one.
    if (session.queue.length > 0) session.unblocking = mode;
    else if (session.waiting !== null) this.unblock(session, mode);
  }

  /** The session's command waits, and is to wait no longer. */
  unblock(session: NodeSession, mode: 'ERROR' | 'TIMEOUT'): void {
    const { shard } = session;
    let control = this.#controls.get(shard);
    if (control === undefined) this.#controls.set(shard, (control = this.#newSession(-1, shard)));
    this.#exporter.touch(shard);
    const request = Request.of('CLIENT', 'UNBLOCK', String(session.session.id), mode);
    shard.coordinator.coordinate(control.session, request, new DiscardReply());
  }

  #setAudience(): void {
    const { clients, kind, name, session: number } = this.#decoder.audience;
    const session = this.#sessions.get(number);
    if (session === undefined) return;
    const audience = (session.session.audience ??= new Map());
    const key = `${audienceKinds[kind]} ${name.toString('latin1')}`;
    if (clients === 0) audience.delete(key);
    else audience.set(key, clients);
  }

  // Output

  #tell(response: node.ForwardResponse): void {
    if (this.#isClosed) return;
    const message = Buffer.from(node.ForwardResponse.encode(response).finish());
    this.#call.write(message, () => {});
  }

  #send(bytes: Buffer, length: number): void {
    if (this.#isClosed) return;
    this.unsentBytes += length;
    this.#call.write(bytes.subarray(0, length), () => {
      this.#exporter.pool.give(bytes);
      this.unsentBytes -= length;
      if (this.isChoked) this.#unchoke();
    });
  }

  /** There may be room again: what was held goes on at the end of the turn. */
  #unchoke(): void {
    if (this.#isClosed || this.unsentBytes > outputPauseBytes / 2) return;
    if (this.#outbox.heldBytes > heldPauseBytes / 2) return;
    this.isChoked = false;
    this.#exporter.goOnLater(this);
  }

  #pauseWhenFull(): void {
    this.#pause(this.isChoked && this.queuedBytes > inputPauseBytes);
  }

  #pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused || this.#isClosed) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#call.pause();
    else this.#call.resume();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.closed();
    this.#call.end();
  }
}

/** In the order of `node.ReadMode`. */
export const readModes: readonly ReadMode[] = ['linearizable', 'lease', 'stale'];
