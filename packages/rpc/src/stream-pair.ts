/**
 * Two ends of a stream of messages within a process, as a call of gRPC has them at its two sides: what is written
 * at one end arrives as a copy at the other, in order and in a later turn.
 */
import { EventEmitter } from 'node:events';
import type { Timers } from '@holdfast/common';

class StreamEnd extends EventEmitter {
  other!: StreamEnd;
  readonly #timers: Timers;
  /** What the other end wrote and was not taken yet. */
  #arrived: (Buffer | 'end' | 'cancelled' | Error)[] = [];
  #isPaused = false;
  #isScheduled = false;
  #isOver = false;

  constructor(timers: Timers) {
    super();
    this.#timers = timers;
    this.on('error', () => {});
  }

  write(message: Buffer, written?: () => void): boolean {
    this.other.#arrive(Buffer.from(message));
    if (written !== undefined) this.#timers.setImmediate(written);
    return true;
  }

  end(): void {
    this.other.#arrive('end');
  }

  /** Ends the stream at both sides, with an error at the other one. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.other.#arrive(error);
  }

  /** Ends the stream on behalf of the one who opened it. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.other.#arrive('cancelled');
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  getPeer(): string {
    return 'here';
  }

  #arrive(what: Buffer | 'end' | 'cancelled' | Error): void {
    if (this.#isOver) return;
    this.#arrived.push(what);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#timers.setImmediate(() => this.#take());
  }

  #take(): void {
    this.#isScheduled = false;
    while (this.#arrived.length > 0 && !this.#isPaused && !this.#isOver) {
      const what = this.#arrived.shift()!;
      if (Buffer.isBuffer(what)) {
        this.emit('data', what);
      } else if (what === 'end') {
        this.emit('end');
      } else {
        this.#isOver = true;
        if (what === 'cancelled') this.emit('cancelled');
        else this.emit('error', what);
      }
    }
  }
}

/** The end of the one who opened the stream, and the end of the one who serves it. */
export interface StreamPair {
  readonly client: StreamEnd;
  readonly server: StreamEnd;
}

export type { StreamEnd };

export function streamPair(timers: Timers): StreamPair {
  const client = new StreamEnd(timers);
  const server = new StreamEnd(timers);
  client.other = server;
  server.other = client;
  // As gRPC's server has it: whoever serves a stream ends it by an error that it emits.
  server.on('error', (error: Error) => server.fail(error));
  return { client, server };
}
