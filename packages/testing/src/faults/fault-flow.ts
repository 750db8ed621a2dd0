/**
 * One direction of one proxied connection: bytes that arrive at one socket leave at the other, when and if the
 * faults of the direction allow.
 *
 *     source --> [ chunk, due ][ chunk, due ][ end ] --> sink
 *
 * Order is kept, as TCP does. What waits is bounded: above `flowBytesMax` the source is not read.
 */
import type { Socket } from 'node:net';
import type { Clock, Timers } from '@holdfast/common';
import { flowBytesMax } from '../limits.js';

/**
 * - `pass`: bytes go through.
 * - `stall`: bytes wait, and arrive once this is over: a partition that TCP survives.
 * - `drop`: bytes vanish, and so does word of an end.
 */
export type FlowMode = 'pass' | 'stall' | 'drop';

/** The faults of one direction, shared by the flows of all connections. */
export interface FlowFaults {
  mode: FlowMode;
  /** Draws the delay of a chunk. */
  delayMs: () => number;
  bytesPerSecond: number;
}

/** A throttled flow sends in pieces of this duration. */
const throttleSliceMs = 20;

/** How a stream ends: orderly, or by a reset. */
export type FlowEnd = 'end' | 'reset';

interface Piece {
  readonly bytes: Buffer | FlowEnd;
  readonly dueMs: number;
}

export class FaultFlow {
  readonly #source: Socket;
  readonly #faults: FlowFaults;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #reset: () => void;
  #sink: Socket | null = null;
  #queue: Piece[] = [];
  #queuedBytes = 0;
  /** Not before this may more be sent. */
  #freeMs = 0;
  #isWaiting = false;
  #hasLost = false;

  /** `reset` is called when the source was reset and the sink may know. */
  constructor(
    source: Socket,
    faults: FlowFaults,
    { clock, timers }: { clock: Clock; timers: Timers },
    reset: () => void,
  ) {
    this.#source = source;
    this.#faults = faults;
    this.#clock = clock;
    this.#timers = timers;
    this.#reset = reset;
    source.on('data', (bytes) => this.#add(bytes));
    source.on('end', () => this.#add('end'));
    // After an orderly end on both sides nothing is left to tell.
    source.on('close', (hadError) => hadError && this.#add('reset'));
  }

  /** Whether bytes or an end vanished: the other side has a stream with a hole. */
  get hasLost(): boolean {
    return this.#hasLost;
  }

  /** From now on the other side can be reached. */
  connect(sink: Socket): void {
    this.#sink = sink;
    sink.on('drain', () => this.pump());
    this.pump();
  }

  /** Sends what may be sent now. Call it when the faults have changed. */
  pump(): void {
    // Gone without a word to this side: what it sends reaches nobody.
    if (this.#sink?.destroyed) this.#queue = [];
    while (this.#queue.length > 0 && this.#maySend()) {
      const piece = this.#queue[0];
      const nowMs = this.#clock.monotonic();
      const startMs = Math.max(piece.dueMs, this.#freeMs);
      if (startMs > nowMs) {
        this.#wait(startMs - nowMs);
        return;
      }
      this.#queue.shift();
      this.#send(piece);
    }
  }

  #add(bytes: Buffer | FlowEnd): void {
    if (this.#faults.mode === 'drop') {
      this.#hasLost = true;
      return;
    }
    const dueMs = this.#clock.monotonic() + this.#faults.delayMs();
    this.#queue.push({ bytes, dueMs: Math.max(dueMs, this.#queue.at(-1)?.dueMs ?? 0) });
    if (typeof bytes !== 'string') this.#count(bytes.length);
    this.pump();
  }

  #maySend(): boolean {
    return this.#faults.mode === 'pass' && this.#sink !== null && !this.#sink.writableNeedDrain;
  }

  #send({ bytes, dueMs }: Piece): void {
    if (bytes === 'reset') {
      this.#reset();
    } else if (bytes === 'end') {
      this.#sink?.end();
    } else {
      const sliceBytes = Math.max(1, Math.floor((this.#faults.bytesPerSecond * throttleSliceMs) / 1000));
      const slice = bytes.subarray(0, sliceBytes);
      if (slice.length < bytes.length) this.#queue.unshift({ bytes: bytes.subarray(slice.length), dueMs });
      this.#freeMs = this.#clock.monotonic() + (slice.length * 1000) / this.#faults.bytesPerSecond;
      this.#count(-slice.length);
      this.#sink?.write(slice);
    }
  }

  #wait(ms: number): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#timers.setTimeout(() => {
      this.#isWaiting = false;
      this.pump();
    }, ms);
  }

  #count(bytes: number): void {
    this.#queuedBytes += bytes;
    if (this.#queuedBytes > flowBytesMax) this.#source.pause();
    else if (this.#source.isPaused()) this.#source.resume();
  }
}
