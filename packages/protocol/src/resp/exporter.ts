/**
 * Serves the Redis protocol on TCP and unix sockets.
 *
 * All replies of a turn of the event loop go out together at its end: each write to an idle peer costs
 * a wake-up, and a turn's writes are committed as one group. It knows the coordinator's contract, and
 * nothing of what commands do.
 */
// @hot-path
import { createServer, type Server, type Socket } from 'node:net';
import type { Env, KvError } from '@holdfast/common';
import type { Coordinator, Session } from '@holdfast/coord/contract';
import type { Settings } from '../settings.js';
import { BufferPool } from './buffer-pool.js';
import { Connection } from './connection.js';
import { flushCommands, inputBytesMax, outputBytesMax, retirementMs } from './limits.js';
import { RequestBatch } from './request-batch.js';
import { readInto } from './socket.js';

export interface RedisExporterOptions {
  readonly coordinator: Coordinator;
  readonly env: Env;
  readonly config: Settings;
  /** Read by the runtime's `data` events only: the fallback of `readInto`. */
  readonly plainReads?: boolean;
  /** See limits.ts; for tests. */
  readonly outputBytesMax?: number;
}

export interface OutputLimit {
  /** Bytes; 0 for none. */
  readonly hard: number;
  readonly soft: number;
  readonly softSeconds: number;
}

const sweepIntervalMs = 1000;

export class RedisExporter {
  readonly pool = new BufferPool();
  readonly batch = new RequestBatch();
  readonly outputBytesMax: number;
  bulkBytesMax = 0;
  queryBytesMax = 0;
  readonly #coordinator: Coordinator;
  readonly #env: Env;
  readonly #config: Settings;
  readonly #plainReads: boolean;
  /** Those of TCP, and those of unix sockets. */
  #servers: Server[] = [];
  readonly #unixServers: Server[] = [];
  readonly #connections = new Set<Connection>();
  #flushing: Connection[] = [];
  #queued: Connection[] = [];
  #gated: Connection[] = [];
  #resumed: Connection[] = [];
  #isFlushScheduled = false;
  /** Commands executed since the last flush. */
  #executedCount = 0;
  #isClosed = false;
  #outputLimits = new Map<string, OutputLimit>();
  readonly #flush = (): void => this.#endTurn();

  constructor(options: RedisExporterOptions) {
    this.#coordinator = options.coordinator;
    this.#env = options.env;
    this.#config = options.config;
    this.#plainReads = options.plainReads ?? false;
    this.outputBytesMax = options.outputBytesMax ?? outputBytesMax;
    const { config } = options;
    config.onChange('proto-max-bulk-len', () => {
      this.bulkBytesMax = config.number('proto-max-bulk-len');
      for (const connection of this.#connections) connection.limitBulk(this.bulkBytesMax);
    });
    config.onChange('client-query-buffer-limit', () => {
      this.queryBytesMax = Math.min(config.number('client-query-buffer-limit'), inputBytesMax);
    });
    config.onChange('client-output-buffer-limit', (value) => {
      this.#outputLimits = parseOutputLimits(value);
    });
    this.#coordinator.onCommitted(() => this.#flushGated());
    this.#coordinator.onRevoked(() => {
      for (const connection of this.#connections) connection.revoke();
    });
    this.#scheduleSweep();
  }

  /** Listens on a TCP port (0: any free one); resolves with the port. */
  listen(port: number, host: string): Promise<number> {
    const where = { port, host, backlog: this.#config.number('tcp-backlog') };
    return this.#listen(where).then((server) => {
      this.#servers.push(server);
      const address = server.address();
      return address !== null && typeof address === 'object' ? address.port : port;
    });
  }

  /** Listens on a unix socket. */
  async listenUnix(path: string): Promise<void> {
    this.#unixServers.push(await this.#listen({ path }));
  }

  /** Accepts nobody on TCP any more. Those who are connected stay. */
  stopListening(): void {
    for (const server of this.#servers) server.close();
    this.#servers = [];
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /**
   * Accepts nobody any more, sends what is pending, and ends all connections: each behind its next reply, or when none
   * came for a while.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    const closing = [...this.#servers, ...this.#unixServers].map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const connection of this.#connections) connection.retire();
    this.#endTurn();
    const { timers } = this.#env;
    let timer = timers.setTimeout(() => {
      for (const connection of this.#connections) connection.close(true);
      this.#endTurn();
      timer = timers.setTimeout(() => {
        for (const connection of this.#connections) connection.close(false);
      }, 1000);
    }, retirementMs);
    await Promise.all(closing);
    timers.clearTimeout(timer);
  }

  // Called by connections

  /** Sends the connection's output at the end of this turn. */
  queue(connection: Connection): void {
    if (connection.isQueued) return;
    connection.isQueued = true;
    this.#queued.push(connection);
    this.#schedule();
  }

  /**
   * So many commands were executed in one go. A turn with a lot of work is sent in parts: the first clients
   * read their replies while the others' commands run.
   */
  executed(count: number): void {
    this.#executedCount += count;
    if (this.#executedCount >= flushCommands) this.#flushQueued();
  }

  /** Lets a connection go on with its input, in a turn of its own. */
  resumeLater(connection: Connection): void {
    this.#resumed.push(connection);
    this.#schedule();
  }

  outputLimit(session: Session): OutputLimit {
    return this.#outputLimits.get(session.type) ?? noLimit;
  }

  nowMs(): number {
    return this.#env.clock.now();
  }

  #schedule(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#env.timers.setImmediate(this.#flush);
  }

  #endTurn(): void {
    this.#isFlushScheduled = false;
    if (this.#resumed.length > 0) {
      const resumed = this.#resumed;
      this.#resumed = [];
      this.#coordinator.beginTurn();
      for (const connection of resumed) connection.continue();
    }
    this.#flushQueued();
  }

  /** Sends what the connections in the queue may send. */
  #flushQueued(): void {
    this.#executedCount = 0;
    this.#coordinator.settle();
    const { committedVersion } = this.#coordinator;
    const flushing = this.#queued;
    this.#queued = this.#flushing;
    for (let i = 0; i < flushing.length; i++) {
      const connection = flushing[i];
      if (connection.flush(committedVersion)) connection.isQueued = false;
      else this.#gated.push(connection);
    }
    flushing.length = 0;
    this.#flushing = flushing;
  }

  /** Versions were committed: connections that waited for them are flushed again. */
  #flushGated(): void {
    const gated = this.#gated;
    if (gated.length === 0) return;
    this.#gated = [];
    const { committedVersion } = this.#coordinator;
    for (const connection of gated) {
      if (connection.flush(committedVersion)) connection.isQueued = false;
      else this.#gated.push(connection);
    }
  }

  #listen(where: { port: number; host: string; backlog: number } | { path: string }): Promise<Server> {
    return new Promise((resolve, reject) => {
      const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, (socket) =>
        this.#accept(socket, 'path' in where ? where.path : ''),
      );
      server.once('error', reject);
      server.listen(where, () => {
        server.off('error', reject);
        server.on('error', () => {});
        resolve(server);
      });
    });
  }

  /** `path` is that of the unix socket it came through, if it did. */
  #accept(accepted: Socket, path: string): void {
    if (this.#isClosed) {
      accepted.destroy();
      return;
    }
    const { address, localAddress } = addressesOf(accepted, path);
    const connection = new Connection(this, this.#coordinator);
    const onRefused = (refusal: KvError): void => refuse(accepted, refusal);
    const session = this.#coordinator.open(connection, {
      protocol: 'redis',
      address,
      localAddress,
      onRefused,
    });
    if (session === null) return;
    connection.session = session;
    connection.socket = accepted;
    const socket = readInto(accepted, (bytes, length) => connection.receive(bytes, length), this.#plainReads);
    connection.socket = socket;
    this.#connections.add(connection);
    socket.setNoDelay(true);
    const keepAliveSeconds = this.#config.number('tcp-keepalive');
    if (keepAliveSeconds > 0) socket.setKeepAlive(true, keepAliveSeconds * 1000);
    socket.on('drain', () => connection.drained());
    socket.on('error', () => {});
    socket.on('end', () => connection.ended());
    socket.on('close', () => {
      this.#connections.delete(connection);
      connection.closed();
    });
  }

  /** Ends connections that were idle for too long, or whose output stays over its limit. */
  #scheduleSweep(): void {
    this.#env.timers.setTimeout(() => {
      if (this.#isClosed) return;
      const nowMs = this.nowMs();
      const timeoutMs = this.#config.number('timeout') * 1000;
      for (const connection of this.#connections) {
        const { session } = connection;
        connection.trimInput();
        const isIdle = timeoutMs > 0 && nowMs - session.lastActiveMs > timeoutMs;
        const isListening =
          session.isBlocked || session.isSubscriber || session.isMonitor || session.isReplica;
        if (isIdle && !isListening) connection.close(false);
        else if (connection.isOverOutputLimit(nowMs)) connection.close(false);
      }
      this.#scheduleSweep();
    }, sweepIntervalMs);
  }
}

/** Tells a client that is not let in why, and ends its connection. */
function refuse(socket: Socket, { code, message }: KvError): void {
  socket.on('error', () => {});
  socket.end(`-${code === 'DENIED' ? code : 'ERR'} ${message}\r\n`);
  socket.resume();
}

const noLimit: OutputLimit = { hard: 0, soft: 0, softSeconds: 0 };

/** Reads `normal 0 0 0 pubsub 33554432 8388608 60`. */
function parseOutputLimits(value: string): Map<string, OutputLimit> {
  const limits = new Map<string, OutputLimit>();
  const words = value.split(' ');
  for (let i = 0; i + 3 < words.length; i += 4) {
    const [hard, soft, softSeconds] = words.slice(i + 1, i + 4).map(Number);
    limits.set(words[i], { hard, soft, softSeconds });
  }
  return limits;
}

function addressesOf(socket: Socket, path: string): { address: string; localAddress: string } {
  if (path !== '') return { address: `${path}:0`, localAddress: `${path}:0` };
  return {
    address: endpoint(socket.remoteAddress, socket.remotePort),
    localAddress: endpoint(socket.localAddress, socket.localPort),
  };
}

/** A client that was gone before it was accepted has no address. */
function endpoint(host: string | undefined, port: number | undefined): string {
  if (host === undefined) return '?:0';
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
