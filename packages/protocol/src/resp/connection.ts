/**
 * One Redis client: bytes in, requests to the coordinator, replies out in order.
 *
 * Input that can't be handled yet (the client waits for a key, or does not read what it is sent) stays
 * in `#input`. Output is sent by the exporter once per turn of the event loop, as far as the versions it
 * depends on are committed:
 *
 *     reply.bytes   | replies of turn 1 | of turn 2 | of turn 3 ...
 *     gates                         ^ v1        ^ v2       (a reply up to the mark waits for the version)
 */
// @hot-path
import type { Socket } from 'node:net';
import {
  type Coordinator,
  type Fate,
  outcomes,
  revokedError,
  type Session,
  type SessionSink,
} from '@holdfast/coord/contract';

import { malformed, needMore, RequestDecoder } from './decoder.js';
import type { RedisExporter } from './exporter.js';
import {
  argumentBytes,
  inputPauseBytes,
  lookAheadMax,
  outputPauseBytes,
  trimLooks,
  trimmedBytesMin,
} from './limits.js';
import { RespReply } from './reply.js';
import { batchCountMax } from './request-batch.js';

export class Connection implements SessionSink {
  readonly reply: RespReply;
  readonly takesLater = true;
  readonly saysWhenRead = true;
  session!: Session;
  socket!: Socket;
  /** In the exporter's list of connections to be flushed. */
  isQueued = false;
  receivedBytes = 0;
  sentBytes = 0;
  readonly #exporter: RedisExporter;
  readonly #coordinator: Coordinator;
  readonly #decoder: RequestDecoder;
  /** Input not yet handled: `#input[0, #inputLength)`. */
  #input: Buffer = empty;
  #inputLength = 0;
  /** How often the exporter looked since more of an unfinished command came. */
  #looksSinceInput = 0;
  /** Output may not go out before versions are committed: pairs of (end in `reply.bytes`, version). */
  #gates: number[] = [];
  /** The client does not read: no further commands until its socket has drained. */
  #isChoked = false;
  /** The client sends nothing more: the connection ends once what it sent is answered. */
  #hasEnded = false;
  /** What was malformed: to be said once all before it is answered. */
  #protocolError = '';
  #isClosing = false;
  /** Ends behind its next reply. */
  #isRetiring = false;
  #isClosed = false;
  /** The coordinator knows it no more. */
  #isSessionOver = false;
  /** Since when the output is over the soft limit; 0 when it is not. */
  #softLimitSinceMs = 0;

  constructor(exporter: RedisExporter, coordinator: Coordinator) {
    this.#exporter = exporter;
    this.#coordinator = coordinator;
    this.reply = new RespReply(exporter.pool, exporter.outputBytesMax);
    this.#decoder = new RequestDecoder(exporter.bulkBytesMax);
  }

  /** Bytes arrived: `bytes[0, length)`, not to be kept. */
  receive(bytes: Buffer, length: number): void {
    if (this.#isClosing) return;
    this.receivedBytes += length;
    const executedBefore = this.session.totalCommands;
    this.#coordinator.beginTurn();
    if (this.#inputLength > 0) {
      this.#append(bytes, 0, length);
      if (this.#isOverQueryLimit()) {
        this.close(false);
        return;
      }
      if (!this.session.isBlocked && !this.#isChoked) this.#executeInput();
      else if (this.#inputLength > inputPauseBytes) this.socket.pause();
    } else if (this.session.isBlocked || this.#isChoked) {
      this.#append(bytes, 0, length);
    } else {
      const used = this.#execute(bytes, 0, length);
      if (used < length && !this.#isClosing) {
        this.#decoder.rebase(used);
        this.#append(bytes, used, length);
      }
    }
    if (this.session.transaction !== null && this.#isOverQueryLimit()) this.close(false);
    if (this.reply.length > 0) this.wake();
    this.#exporter.executed(this.session.totalCommands - executedBefore);
  }

  // SessionSink

  wake(): void {
    if (this.reply.length > outputPauseBytes && this.session.isSubscriber) this.#cutOffWhenOver();
    this.#exporter.queue(this);
  }

  resume(): void {
    this.#exporter.resumeLater(this);
  }

  close(flush: boolean): void {
    if (this.#isClosed) return;
    this.#isClosing = true;
    if (flush) this.wake();
    else this.socket.destroy();
  }

  /**
   * Ends the connection behind its next reply, a transaction's last: with that, a client that waits for replies has
   * nothing on its way that nobody would answer.
   */
  retire(): void {
    this.#isRetiring = true;
  }

  get outputBytes(): number {
    return this.reply.length + this.socket.writableLength;
  }

  get inputBytes(): number {
    return this.#inputLength;
  }

  get inputFreeBytes(): number {
    return this.#input.length - this.#inputLength;
  }

  get offsetBytes(): number {
    return this.#decoder.request.offsets.byteLength;
  }

  // Called by the exporter

  /** Goes on with input that waited. */
  continue(): void {
    if (this.#isClosed || this.#isClosing || this.session.isBlocked || this.#isChoked) return;
    if (this.#inputLength > 0) this.#executeInput();
    if (this.socket.isPaused()) this.socket.resume();
    if (this.reply.length > 0) this.wake();
    if (this.#hasEnded) this.ended();
  }

  /** Sends what may be sent; false when something has to wait for a commit. */
  flush(committedVersion: number): boolean {
    if (this.#isClosed) return true;
    const { reply, session } = this;
    if (reply.isOverflown) {
      this.close(false);
      return true;
    }
    const isComplete = session.unanswered === 0;
    if (this.#protocolError !== '' && isComplete) {
      reply.error(this.#protocolError);
      this.#protocolError = '';
    }
    let sendable = reply.length;
    const gates = this.#gates;
    if (session.dependsOn > committedVersion) {
      if (gates.length === 0 || gates[gates.length - 2] < reply.length)
        gates.push(reply.length, session.dependsOn);
      sendable = 0;
      let passed = 0;
      while (passed < gates.length && gates[passed + 1] <= committedVersion) {
        sendable = gates[passed];
        passed += 2;
      }
      const left = gates.length - passed;
      for (let i = 0; i < left; i += 2) {
        gates[i] = gates[passed + i] - sendable;
        gates[i + 1] = gates[passed + i + 1];
      }
      gates.length = left;
    } else if (gates.length > 0) {
      gates.length = 0;
    }
    if (sendable > 0) this.#send(sendable);
    if (session.awaitsOutput) this.#tellWhenRead();
    if (this.#isChoked && this.outputBytes === 0) this.#unchokeLater();
    if (gates.length > 0) return false;
    if (this.#isRetiring && sendable > 0 && this.#inputLength === 0 && session.transaction === null)
      this.#isClosing = true;
    if (this.#isClosing && isComplete) this.#leave();
    return true;
  }

  /** All is answered. Once the last reply has left nobody counts the client any more, as if it were gone already. */
  #leave(): void {
    if (this.socket.writableLength === 0) this.#endSession();
    this.socket.destroySoon();
  }

  #endSession(): void {
    if (this.#isSessionOver) return;
    this.#isSessionOver = true;
    this.#coordinator.close(this.session);
  }

  /**
   * What was executed and not committed is given up. The replies that waited for it are not sent; how many they are
   * is not known any more, so the connection ends after an error in their place.
   */
  revoke(): void {
    const { reply, session } = this;
    if (this.#isClosed || reply.length === 0) return;
    const coordinator = this.#coordinator;
    const gates = [...this.#gates, reply.length, session.dependsOn];
    let kept = 0;
    let fate: Fate = 'committed';
    for (let i = 0; i < gates.length && fate === 'committed'; i += 2) {
      fate = coordinator.fateOf(gates[i + 1]);
      if (fate === 'committed') kept = gates[i];
    }
    this.#gates = [];
    if (fate === 'committed') return;
    reply.cut(kept);
    reply.error(revokedError(fate));
    this.close(true);
  }

  /** The socket has taken everything it was given. */
  drained(): void {
    this.#tellWhenRead();
    if (!this.#isChoked) return;
    this.#isChoked = false;
    this.#softLimitSinceMs = 0;
    this.continue();
  }

  #tellWhenRead(): void {
    const { session } = this;
    if (session.awaitsOutput && !this.#isClosed && this.outputBytes <= outputPauseBytes) session.outputLeft();
  }

  /** The client has closed its side: who still waits for others is gone, anybody else is answered. */
  ended(): void {
    this.#hasEnded = true;
    const { isBlocked, lastCommand } = this.session;
    const isAnsweredSoon = isBlocked && lastCommand !== null && !lastCommand.waitsForOthers;
    if (!this.#isChoked && !isAnsweredSoon) this.close(true);
  }

  /** The longest argument that is accepted from now on. */
  limitBulk(bytesMax: number): void {
    this.#decoder.bulkBytesMax = bytesMax;
  }

  /** The connection is gone. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isClosing = true;
    this.#input = empty;
    this.#inputLength = 0;
    this.reply.consume(this.reply.length, false);
    this.#endSession();
  }

  /** Whether the output limit of the client's class is exceeded: for long, or by far. */
  isOverOutputLimit(nowMs: number): boolean {
    const { hard, soft, softSeconds } = this.#exporter.outputLimit(this.session);
    const bytes = this.outputBytes;
    if (hard > 0 && bytes > hard) return true;
    if (soft === 0 || bytes <= soft) {
      this.#softLimitSinceMs = 0;
      return false;
    }
    if (this.#softLimitSinceMs === 0) this.#softLimitSinceMs = nowMs;
    return nowMs - this.#softLimitSinceMs > softSeconds * 1000;
  }

  /**
   * Looked at every second: room for an argument that was announced, and does not come, is given back. It counts as memory
   * of the client, for which others' data would be evicted.
   */
  trimInput(): void {
    if (this.inputFreeBytes < trimmedBytesMin || ++this.#looksSinceInput < trimLooks) return;
    const trimmed = Buffer.allocUnsafeSlow(this.#inputLength);
    this.#input.copy(trimmed, 0, 0, this.#inputLength);
    this.#input = trimmed;
  }

  #executeInput(): void {
    const input = this.#input;
    const used = this.#execute(input, 0, this.#inputLength);
    this.#exporter.batch.forget();
    if (this.#isClosing) return;
    if (used === 0) return;
    this.#decoder.rebase(used);
    const rest = this.#inputLength - used;
    if (rest === 0) this.#input = empty;
    else input.copyWithin(0, used, this.#inputLength);
    this.#inputLength = rest;
  }

  /** Runs the commands in `bytes[start, end)`; returns how far it came. */
  #execute(bytes: Buffer, start: number, end: number): number {
    const decoder = this.#decoder;
    const { session, reply } = this;
    const coordinator = this.#coordinator;
    const { batch } = this.#exporter;
    let at = start;
    while (at < end) {
      // What a client may send depends on whether it has authenticated: so does where its commands end.
      decoder.isAuthenticated = session.isAuthenticated;
      at = decoder.decodeBatch(bytes, at, end, batch, session.isAuthenticated ? batchCountMax : 1);
      const { count, next } = batch;
      if (count > 1) coordinator.prefetch(session, batch.requests, count);
      for (let i = 0; i < count; i++) {
        const outcome = coordinator.coordinate(session, batch.requests[i], reply);
        reply.dialect = session.dialect;
        const isOver = outcome === outcomes.done || outcome === outcomes.later;
        if (isOver && (reply.length <= outputPauseBytes || !this.#choke())) continue;
        const used = batch.ends[i];
        if (outcome === outcomes.pending && next >= 0) this.#lookAhead(bytes, at, end);
        decoder.reset();
        if (outcome !== outcomes.close) return used;
        this.close(true);
        return end;
      }
      if (next === malformed) {
        this.#failProtocol();
        return end;
      }
      if (next === needMore) return at;
    }
    return at;
  }

  /** A command waits, for its key perhaps: what those after it need can be fetched meanwhile. */
  #lookAhead(bytes: Buffer, start: number, end: number): void {
    const { batch } = this.#exporter;
    let at = start;
    for (let left = lookAheadMax; left > 0 && at < end && batch.next >= 0; left -= batch.count) {
      at = this.#decoder.decodeBatch(bytes, at, end, batch, batchCountMax);
      this.#coordinator.prefetch(this.session, batch.requests, batch.count);
    }
  }

  /** One command, of a script, may publish a thousand times what may wait for a subscriber: who is cut off gets none of the rest. */
  #cutOffWhenOver(): void {
    const { reply, socket } = this;
    if (!socket.destroyed && this.isOverOutputLimit(this.#exporter.nowMs())) this.close(false);
    if (!socket.destroyed) return;
    this.#gates = [];
    reply.consume(reply.length, false);
  }

  /** A lot was written: sends it now, and stops executing when the client does not keep up. */
  #choke(): boolean {
    this.#coordinator.settle();
    this.flush(this.#coordinator.committedVersion);
    if (this.outputBytes <= outputPauseBytes) return false;
    this.#isChoked = true;
    return true;
  }

  /** All has left at once, piece by piece as it was committed: then the socket has nothing to drain. */
  #unchokeLater(): void {
    this.#isChoked = false;
    this.#exporter.resumeLater(this);
  }

  /** What the client has sent and what it has queued may take no more than this. */
  #isOverQueryLimit(): boolean {
    const { transaction } = this.session;
    const queuedBytes = transaction === null ? 0 : transaction.bytes;
    const argumentsBytes = this.#decoder.found * argumentBytes;
    return this.#inputLength + argumentsBytes + queuedBytes > this.#exporter.queryBytesMax;
  }

  #failProtocol(): void {
    this.#protocolError = `ERR ${this.#decoder.error}`;
    this.close(true);
  }

  #send(length: number): void {
    const { socket, reply } = this;
    this.sentBytes += length;
    socket.write(length === reply.bytes.length ? reply.bytes : reply.bytes.subarray(0, length));
    // Nothing left in the socket: the kernel has taken it all, and the buffer can be used again.
    reply.consume(length, socket.writableLength > 0);
    if (socket.writableLength === 0) return;
    if (socket.writableLength > outputPauseBytes) this.#isChoked = true;
    if (this.isOverOutputLimit(this.#exporter.nowMs())) this.close(false);
  }

  #append(bytes: Buffer, start: number, end: number): void {
    this.#looksSinceInput = 0;
    const length = this.#inputLength + end - start;
    if (length > this.#input.length) {
      const wanted = Math.max(
        length + Math.min(this.#decoder.missingBytes, 1 << 30),
        this.#input.length * 2,
        1024,
      );
      const grown = Buffer.allocUnsafeSlow(Math.min(wanted, this.#exporter.queryBytesMax + 65536));
      this.#input.copy(grown, 0, 0, this.#inputLength);
      this.#input = grown;
    }
    bytes.copy(this.#input, this.#inputLength, start, end);
    this.#inputLength = length;
  }
}

const empty = Buffer.allocUnsafeSlow(0);
