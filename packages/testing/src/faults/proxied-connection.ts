/** One connection through a fault proxy: a socket to the client, one to the target, and a flow each way. */
import { connect, type Socket } from 'node:net';
import type { Env } from '@holdfast/common';
import { FaultFlow, type FlowFaults } from './fault-flow.js';

/** A port of this machine, or the path of a unix socket. */
export type ProxyTarget = { readonly port: number; readonly host?: string } | { readonly path: string };

/** An end of a connection. */
export type Side = 'client' | 'target';

export interface ProxiedConnectionOptions {
  readonly client: Socket;
  readonly target: ProxyTarget;
  readonly toTarget: FlowFaults;
  readonly toClient: FlowFaults;
  readonly env: Env;
  /** Called once, when both sides are closed. */
  readonly onClosed: () => void;
}

export class ProxiedConnection {
  readonly #options: ProxiedConnectionOptions;
  readonly #client: Socket;
  readonly #toTarget: FaultFlow;
  #target: Socket | null = null;
  #toClient: FaultFlow | null = null;
  /** One side is gone and the other was not told. */
  #isAbandoned = false;

  constructor(options: ProxiedConnectionOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#toTarget = this.#flow(this.#client, options.toTarget);
    this.#watch(this.#client);
  }

  /** Connects to the target, at the latest when the proxy heals. A target that refuses resets the client. */
  open(): void {
    if (this.#target !== null) return;
    const target = connect({
      host: '127.0.0.1',
      noDelay: true,
      allowHalfOpen: true,
      ...this.#options.target,
    });
    this.#target = target;
    this.#toClient = this.#flow(target, this.#options.toClient);
    this.#watch(target);
    let isConnected = false;
    target.once('connect', () => {
      isConnected = true;
      this.#toTarget.connect(target);
      this.#toClient?.connect(this.#client);
    });
    target.once('close', () => {
      if (!isConnected) reset(this.#client);
    });
  }

  pump(): void {
    this.#toTarget.pump();
    this.#toClient?.pump();
  }

  reset(): void {
    reset(this.#client);
    if (this.#target !== null) reset(this.#target);
  }

  /** Ends the other side, and lets `side` believe that nothing happened. */
  abandon(side: Side): void {
    this.#isAbandoned = true;
    const gone = side === 'client' ? this.#target : this.#client;
    if (gone !== null) reset(gone);
  }

  /** The faults are over: a connection that can't go on is reset, one that was waiting is opened. */
  heal(): void {
    if (this.#isAbandoned || this.#toTarget.hasLost || this.#toClient?.hasLost) this.reset();
    else this.open();
    this.pump();
  }

  #flow(source: Socket, faults: FlowFaults): FaultFlow {
    return new FaultFlow(source, faults, this.#options.env, () => {
      if (!this.#isAbandoned) this.reset();
    });
  }

  #watch(socket: Socket): void {
    socket.on('error', () => {});
    socket.on('close', () => {
      const isClosed = this.#client.destroyed && (this.#target?.destroyed ?? true);
      if (isClosed) this.#options.onClosed();
    });
  }
}

/** As a reset where that is possible: a unix socket has none, and what is still to be written would delay it. */
export function reset(socket: Socket): void {
  const isPlain = socket.remoteAddress !== undefined && socket.writableLength === 0;
  if (isPlain) socket.resetAndDestroy();
  else socket.destroy();
}
