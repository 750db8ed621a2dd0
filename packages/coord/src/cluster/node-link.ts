/**
 * The stream to a node: opened when the node can be reached, and again after a growing pause whenever it breaks.
 *
 *     whenReachable --> open --> messages both ways --> broken --> pause --> whenReachable ...
 *            '--- not reached ------------------------------------>'
 */
import { type Env, randomBelow, type Timer } from '@holdfast/common';
import { reconnectMs } from './limits.js';

/** A stream as gRPC gives it, or a pair of them within a process. */
export interface ForwardStream {
  on(event: 'data', listener: (message: Buffer) => void): unknown;
  on(event: 'drain' | 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** False when no more should be written until `drain`. `written`: the message was copied. */
  write(message: Buffer, written: () => void): boolean;
  /** Nothing more is written. */
  end(): void;
  cancel(): void;
}

/** The way to a node. */
export interface NodeConnector {
  /** Calls `ready` once, with an error or when the node can be reached. */
  whenReachable(ready: (error?: Error) => void): void;
  open(): ForwardStream;
  close(): void;
}

export interface NodeLinkOptions {
  readonly env: Env;
  readonly connector: NodeConnector;
  /** There is a stream, which nobody answered on yet. */
  readonly onOpen: () => void;
  readonly onMessage: (message: Buffer) => void;
  /** More may be written. */
  readonly onWritable: () => void;
  /** The stream is gone, or there is to be none any more. */
  readonly onBroken: () => void;
}

export class NodeLink {
  readonly #options: NodeLinkOptions;
  #stream: ForwardStream | null = null;
  #isChoked = false;
  #isClosed = false;
  /** In a row, since it was last heard of the node. */
  #failures = 0;
  #timer: Timer | null = null;

  constructor(options: NodeLinkOptions) {
    this.#options = options;
  }

  /** Opens the first stream. */
  start(): void {
    this.#connect();
  }

  get isWritable(): boolean {
    return this.#stream !== null && !this.#isChoked;
  }

  /** To be called while it is writable. `written`: the message was copied. */
  write(message: Buffer, written: () => void): void {
    this.#isChoked = !this.#stream!.write(message, written);
  }

  /** Gives the stream up, because of what came; another one follows. */
  abort(): void {
    const stream = this.#stream;
    if (stream === null) return;
    this.#break(stream);
    stream.cancel();
  }

  /** As `abort`, when nothing is under way: the node sees the end of it. */
  finish(): void {
    const stream = this.#stream;
    if (stream === null) return;
    this.#break(stream);
    stream.end();
  }

  /** There is none any more: what waits for one is lost, too. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { connector, env, onBroken } = this.#options;
    if (this.#timer !== null) env.timers.clearTimeout(this.#timer);
    const stream = this.#stream;
    this.#stream = null;
    onBroken();
    stream?.cancel();
    connector.close();
  }

  #connect(): void {
    const { connector } = this.#options;
    connector.whenReachable((error) => {
      if (this.#isClosed) return;
      if (error === undefined) this.#open(connector.open());
      else this.#connectLater();
    });
  }

  /** Doubles with every failure in a row; half of it is random, so that gateways don't come all at once. */
  #connectLater(): void {
    const { random, timers } = this.#options.env;
    const ms = Math.min(reconnectMs.max, reconnectMs.first * 2 ** Math.min(this.#failures++, 16));
    const delayMs = ms / 2 + randomBelow(random, Math.ceil(ms / 2));
    this.#timer = timers.setTimeout(() => this.#connect(), delayMs);
  }

  #open(stream: ForwardStream): void {
    const { onMessage, onOpen, onWritable } = this.#options;
    this.#stream = stream;
    this.#isChoked = false;
    onOpen();
    stream.on('data', (message) => {
      if (this.#stream !== stream) return;
      this.#failures = 0;
      onMessage(message);
    });
    stream.on('drain', () => {
      if (this.#stream !== stream) return;
      this.#isChoked = false;
      onWritable();
    });
    stream.on('error', () => this.#break(stream));
    stream.on('end', () => this.#break(stream));
  }

  #break(stream: ForwardStream): void {
    if (this.#stream !== stream) return;
    this.#stream = null;
    this.#options.onBroken();
    // Somebody may have closed it.
    if (!this.#isClosed) this.#connectLater();
  }
}
