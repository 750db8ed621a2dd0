/**
 * A TCP proxy on loopback that stands for a bad network between a client and its server. Put one on each link
 * that should fail, and give clients its port:
 *
 *     const proxy = await FaultProxy.listen({ target: { port: 6379 } });
 *     const client = connect(proxy.port);
 *     proxy.drop('toClient');    // requests arrive, answers vanish
 *     proxy.heal();
 *
 * Faults hold for all connections, those that are open and new ones, until `heal`. A connection that is made
 * while a direction is stalled or dropped reaches the target only after that; its client believes it is connected,
 * since the kernel accepts.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { type Env, type Random, randomBelow, systemEnv } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { FlowFaults } from './fault-flow.js';
import { ProxiedConnection, type ProxyTarget, reset, type Side } from './proxied-connection.js';

export type Direction = 'toTarget' | 'toClient' | 'both';

export interface FaultProxyOptions {
  readonly target: ProxyTarget;
  /** Of the jitter of delays. */
  readonly seed?: number;
  /** The real machine unless given. */
  readonly env?: Env;
}

export class FaultProxy {
  readonly #server: Server;
  readonly #env: Env;
  readonly #random: Random;
  readonly #connections = new Set<ProxiedConnection>();
  readonly #toTarget: FlowFaults = noFaults();
  readonly #toClient: FlowFaults = noFaults();
  #target: ProxyTarget;
  #isCut = false;

  private constructor(server: Server, options: FaultProxyOptions) {
    this.#server = server;
    this.#target = options.target;
    this.#env = options.env ?? systemEnv();
    this.#random = new SeededRandom(options.seed ?? 1);
  }

  /** Listens on a free port of 127.0.0.1. The target need not listen yet. */
  static async listen(options: FaultProxyOptions): Promise<FaultProxy> {
    // Each side may end its half of a connection alone, as through a real network.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const proxy = new FaultProxy(server, options);
    server.on('connection', (socket) => proxy.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** For clients that want it in one: `127.0.0.1:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that are open on at least one side. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Where new connections go from now on, for a server that came back on another port. */
  retarget(target: ProxyTarget): void {
    this.#target = target;
  }

  /** Holds bytes back for `ms` and up to `jitterMs` more, keeping their order. */
  delay(ms: number, options: { jitterMs?: number; direction?: Direction } = {}): void {
    const { jitterMs = 0, direction } = options;
    this.#change(direction, (faults) => {
      faults.delayMs = () => ms + (jitterMs === 0 ? 0 : randomBelow(this.#random, jitterMs * 1000) / 1000);
    });
  }

  throttle(bytesPerSecond: number, direction?: Direction): void {
    this.#change(direction, (faults) => {
      faults.bytesPerSecond = bytesPerSecond;
    });
  }

  /** Bytes wait and arrive after `heal`: a partition that is shorter than what TCP endures. */
  stall(direction?: Direction): void {
    this.#change(direction, (faults) => {
      faults.mode = 'stall';
    });
  }

  /** Bytes vanish silently. `heal` resets connections that lost some: a stream with a hole can't go on. */
  drop(direction?: Direction): void {
    this.#change(direction, (faults) => {
      faults.mode = 'drop';
    });
  }

  /** Resets every connection, and each new one at once, until `heal`. */
  cut(): void {
    this.#isCut = true;
    for (const connection of this.#connections) connection.reset();
  }

  /** Resets the open connections; new ones are fine. */
  resetConnections(): void {
    for (const connection of this.#connections) connection.reset();
  }

  /**
   * The other side of every open connection is gone, and `side` is not told: what it sends is not answered.
   * New connections are fine. `heal` resets the others.
   */
  halfOpen(side: Side): void {
    for (const connection of this.#connections) connection.abandon(side);
  }

  /** Ends all faults. */
  heal(): void {
    this.#isCut = false;
    Object.assign(this.#toTarget, noFaults());
    Object.assign(this.#toClient, noFaults());
    for (const connection of this.#connections) connection.heal();
  }

  /** Resets what is open and stops listening. Closing twice is no error. */
  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #change(direction: Direction = 'both', change: (faults: FlowFaults) => void): void {
    if (direction !== 'toClient') change(this.#toTarget);
    if (direction !== 'toTarget') change(this.#toClient);
    for (const connection of this.#connections) connection.pump();
  }

  #accept(client: Socket): void {
    if (this.#isCut) {
      client.on('error', () => {});
      reset(client);
      return;
    }
    const isReachable = this.#toTarget.mode === 'pass' && this.#toClient.mode === 'pass';
    const connection = new ProxiedConnection({
      client,
      target: this.#target,
      toTarget: this.#toTarget,
      toClient: this.#toClient,
      env: this.#env,
      onClosed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    if (isReachable) connection.open();
  }
}

function noFaults(): FlowFaults {
  return { mode: 'pass', delayMs: () => 0, bytesPerSecond: Number.POSITIVE_INFINITY };
}
