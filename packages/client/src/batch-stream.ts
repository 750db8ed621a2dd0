/**
 * All single commands of a client over one Batch stream: those of a tick go out in as few messages as
 * possible, replies find their callers by id.
 *
 *     add -> queue --tick--> sent (on the stream) -> answered
 *              ^                 | the stream broke
 *              '---- reads ------+---- writes -> UNDETERMINED
 *
 * Opens the stream when there is something to send and the server can be reached, again after a growing
 * pause when it breaks. A command that was never sent waits until its deadline.
 */
// @hot-path
import { type ClientDuplexStream, status as codes, type ServiceError } from '@grpc/grpc-js';
import { type Env, KvError, ProcessHold, randomBelow, type Timer } from '@holdfast/common';
import { errorDetailsOf, messageBytesMax, TickQueue, WireWriter } from '@holdfast/rpc';
import { callError } from './call-error.js';
import { encodeCancel, encodeCommand, operations, type PendingCommand, ResultDecoder } from './codec.js';
import { closedError, noAnswer } from './errors.js';
import { backoffMs, messageBytes, messageCommands, pendingMax, sweepMs } from './limits.js';

export type RawStream = ClientDuplexStream<Buffer, Buffer>;

export interface BatchStreamOptions {
  readonly env: Env;
  /** Calls `ready` once, with an error or when the server can be reached. */
  readonly whenReachable: (ready: (error?: Error) => void) => void;
  readonly open: () => RawStream;
}

export class BatchStream {
  readonly #env: Env;
  readonly #whenReachable: (ready: (error?: Error) => void) => void;
  readonly #open: () => RawStream;
  readonly #tick: TickQueue<PendingCommand>;
  readonly #sent = new Map<number, PendingCommand>();
  /** Not sent yet, in order: until the stream is there, or takes more. */
  #queue: PendingCommand[] = [];
  #stream: RawStream | null = null;
  #isOpening = false;
  /** The stream takes no more for now. */
  #isChoked = false;
  #isClosed = false;
  #failures = 0;
  #nextId = 1;
  readonly #out = new WireWriter(messageBytes);
  readonly #results = new ResultDecoder();
  readonly #hold = new ProcessHold();
  #sweepTimer: Timer | null = null;
  #sweepAtMs = Number.POSITIVE_INFINITY;

  constructor(options: BatchStreamOptions) {
    this.#env = options.env;
    this.#whenReachable = options.whenReachable;
    this.#open = options.open;
    this.#tick = new TickQueue(options.env.timers, (commands) => this.#enqueue(commands));
  }

  /** Commands that are not answered. */
  get pendingCount(): number {
    return this.#sent.size + this.#queue.length + this.#tick.size;
  }

  add(command: PendingCommand): void {
    if (this.#isClosed) {
      command.reject(closedError());
    } else if (this.pendingCount >= pendingMax) {
      command.reject(new KvError('LIMIT', `${pendingMax} calls are waiting`));
    } else {
      if (command.deadlineMs < this.#sweepAtMs) this.#sweepBy(command.deadlineMs);
      this.#tick.add(command);
    }
  }

  /** Ends a command as if its time was over, in a moment. */
  giveUp(command: PendingCommand): void {
    if (command.isSettled || this.#isClosed) return;
    command.deadlineMs = 0;
    if (this.#sweepAtMs > this.#env.clock.monotonic() + sweepMs) this.#sweepBy(0);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#tick.flush();
    this.#isClosed = true;
    const stream = this.#stream;
    this.#stream = null;
    for (const command of this.#sent.values()) reject(command, closedError());
    for (const command of this.#queue) reject(command, closedError());
    this.#sent.clear();
    this.#queue = [];
    this.#holdProcess();
    stream?.cancel();
    if (this.#sweepTimer !== null) this.#env.timers.clearTimeout(this.#sweepTimer);
  }

  // Sending

  #enqueue(commands: readonly PendingCommand[]): void {
    if (this.#isClosed) {
      for (const command of commands) reject(command, closedError());
      return;
    }
    for (const command of commands) this.#queue.push(command);
    this.#send();
  }

  #send(): void {
    const stream = this.#stream;
    if (stream === null) {
      this.#openSoon();
      return;
    }
    if (this.#isChoked || this.#queue.length === 0) return;
    const queue = this.#queue;
    const out = this.#out;
    let at = 0;
    let count = 0;
    while (at < queue.length && !this.#isChoked) {
      const command = queue[at++];
      if (command.isSettled) continue;
      if (this.#encode(command)) count++;
      if (out.length < messageBytes && count < messageCommands) continue;
      this.#write(stream);
      count = 0;
    }
    if (out.length > 0) this.#write(stream);
    if (at === queue.length) queue.length = 0;
    else this.#queue = queue.slice(at);
  }

  /** Whether the command fits a message. */
  #encode(command: PendingCommand): boolean {
    const out = this.#out;
    const start = out.length;
    command.id = this.#nextId++;
    encodeCommand(command, out);
    if (out.length - start > messageBytesMax - messageBytes) {
      out.length = start;
      reject(command, new KvError('LIMIT', `a message has at most ${messageBytesMax} bytes`));
      return false;
    }
    this.#sent.set(command.id, command);
    return true;
  }

  #write(stream: RawStream): void {
    if (!stream.write(this.#out.take())) this.#isChoked = true;
  }

  // The stream

  /** An open stream holds the process; without one, those who wait for it do. */
  #holdProcess(): void {
    this.#hold.set(this.#stream === null && this.#queue.length > 0);
  }

  #openSoon(): void {
    this.#holdProcess();
    if (this.#isOpening || this.#isClosed || this.#queue.length === 0) return;
    this.#isOpening = true;
    if (this.#failures === 0) this.#openNow();
    else this.#env.timers.setTimeout(() => this.#openNow(), this.#backoffMs());
  }

  /** Doubles with every failure in a row; half of it is random, so that clients don't come all at once. */
  #backoffMs(): number {
    const ms = Math.min(backoffMs.max, backoffMs.first * 2 ** Math.min(this.#failures, 16));
    return ms / 2 + randomBelow(this.#env.random, Math.ceil(ms / 2));
  }

  #openNow(): void {
    if (this.#isClosed) return;
    this.#whenReachable((error) => {
      this.#isOpening = false;
      if (this.#isClosed) return;
      if (error !== undefined) {
        this.#failures++;
        this.#openSoon();
        return;
      }
      this.#start(this.#open());
    });
  }

  #start(stream: RawStream): void {
    this.#stream = stream;
    this.#isChoked = false;
    this.#holdProcess();
    stream.on('data', (message: Buffer) => this.#receive(stream, message));
    stream.on('drain', () => {
      this.#isChoked = false;
      if (this.#stream === stream) this.#send();
    });
    stream.on('error', (error: ServiceError) => this.#broken(stream, error));
    stream.on('end', () => this.#broken(stream, null));
    this.#send();
  }

  #receive(stream: RawStream, message: Buffer): void {
    if (this.#stream !== stream) return;
    const results = this.#results;
    this.#failures = 0;
    try {
      results.open(message);
      while (results.next()) {
        const command = this.#sent.get(results.id);
        // One that was cancelled, otherwise.
        if (command === undefined) continue;
        this.#sent.delete(results.id);
        results.settle(command);
      }
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      stream.cancel();
    }
  }

  #broken(stream: RawStream, error: ServiceError | null): void {
    if (this.#stream !== stream) return;
    this.#stream = null;
    this.#failures++;
    const sent = [...this.#sent.values()];
    this.#sent.clear();
    const isRefused = error !== null && isFinal(callError(error, true));
    const again: PendingCommand[] = [];
    for (const command of sent) {
      if (command.isRead && !isRefused) again.push(command);
      else reject(command, lostError(command, error));
    }
    this.#queue = again.concat(this.#queue);
    if (isRefused) {
      for (const command of this.#queue) reject(command, callError(error, true));
      this.#queue = [];
    }
    this.#openSoon();
  }

  // Deadlines

  #sweepBy(deadlineMs: number): void {
    const { clock, timers } = this.#env;
    if (this.#sweepTimer !== null) timers.clearTimeout(this.#sweepTimer);
    const nowMs = clock.monotonic();
    this.#sweepAtMs = Math.max(deadlineMs, nowMs + sweepMs);
    this.#sweepTimer = timers.setTimeout(() => this.#sweep(), Math.ceil(this.#sweepAtMs - nowMs));
  }

  #sweep(): void {
    this.#sweepTimer = null;
    this.#sweepAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#env.clock.monotonic();
    let earliestMs = Number.POSITIVE_INFINITY;
    const late: PendingCommand[] = [];
    for (const command of this.#sent.values()) {
      if (command.deadlineMs <= nowMs) late.push(command);
      else if (command.deadlineMs < earliestMs) earliestMs = command.deadlineMs;
    }
    this.#cancel(late);
    this.#queue = this.#queue.filter((command) => {
      if (command.deadlineMs > nowMs) {
        if (command.deadlineMs < earliestMs) earliestMs = command.deadlineMs;
        return true;
      }
      reject(command, noAnswer(true, 'the server could not be reached in time'));
      return false;
    });
    this.#holdProcess();
    if (earliestMs !== Number.POSITIVE_INFINITY) this.#sweepBy(earliestMs);
  }

  /** Gives up commands that were sent; those that wait at the server are told to end. */
  #cancel(late: readonly PendingCommand[]): void {
    for (const command of late) {
      this.#sent.delete(command.id);
      reject(command, noAnswer(command.isRead, 'no answer in time'));
      if (command.operation === operations.execute) encodeCancel(command.id, this.#out);
    }
    if (this.#out.length > 0 && this.#stream !== null) this.#write(this.#stream);
  }
}

function reject(command: PendingCommand, error: KvError): void {
  if (command.isSettled) return;
  command.isSettled = true;
  command.reject(error);
}

/** The server will refuse the next stream, too. */
function isFinal({ code }: KvError): boolean {
  return code === 'DENIED' || code === 'INVALID' || code === 'LIMIT';
}

function lostError(command: PendingCommand, error: ServiceError | null): KvError {
  if (error === null) return noAnswer(command.isRead, 'the server ended the stream');
  // Not the server's word: a result was too large to be taken, and this write may have been done.
  const isTransports = error.code === codes.RESOURCE_EXHAUSTED && errorDetailsOf(error) === null;
  if (isTransports && !command.isRead) return noAnswer(false, error.details, error);
  return callError(error, command.isRead);
}
