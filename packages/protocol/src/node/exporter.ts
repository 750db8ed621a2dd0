/**
 * Serves gateways: `kv.v1.StorageNode`, health and reflection. It knows the coordinators of the node's replicas,
 * and nothing of what commands do.
 *
 * All replies of a turn of the event loop go out together at its end, one message for each gateway; what a
 * turn's requests wrote to a shard is one group.
 */
// @hot-path
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { type Env, KvError, type Timers } from '@holdfast/common';
import type { Replica, RoleChange, ShardHost, Timestamps } from '@holdfast/coord';
import { addReflection, Health, node, serverOptions } from '@holdfast/rpc';
import { type AdminExporter, adminServiceName } from '../admin/exporter.js';
import { BufferPool } from '../resp/buffer-pool.js';
import { RequestBatch } from '../resp/request-batch.js';
import { Connection, type ForwardCall } from './connection.js';
import { streamStatus } from './errors.js';
import { outputBufferBytes, streamsMax } from './limits.js';
import { Shard } from './shard.js';

/** What is asked of a replica. */
export type ServedReplica = Pick<Replica, 'shard' | 'coordinator' | 'leader'>;

/** What is asked of the node's replicas: see `ShardHost`. */
export interface NodeReplicas extends Pick<ShardHost, 'node' | 'timestamps' | 'onRole'> {
  replicas(): Iterable<ServedReplica>;
  replica(shard: string): ServedReplica | null;
}

export interface NodeExporterOptions {
  readonly replicas: NodeReplicas;
  readonly env: Env;
  /** Served beside: what operators and other nodes ask for. */
  readonly administration?: AdminExporter;
  /** TLS; without it the connection is in the clear. */
  readonly credentials?: ServerCredentials;
  /** What grpc.health.v1 reports; true when not given. */
  readonly isReady?: () => boolean;
}

const serviceName = 'kv.v1.StorageNode';

/** How long streams may take to end when the server closes, in ms. */
const closingMs = 1000;

/** Messages of Forward pass as bytes: see decoder.ts and reply.ts. */
const service = {
  ...node.StorageNodeService,
  forward: {
    ...node.StorageNodeService.forward,
    requestDeserialize: (bytes: Buffer): Buffer => bytes,
    responseSerialize: (bytes: Buffer): Buffer => bytes,
  },
};

export class NodeExporter {
  readonly pool = new BufferPool(outputBufferBytes);
  readonly batch = new RequestBatch();
  readonly #replicas: NodeReplicas;
  readonly #env: Env;
  readonly #credentials: ServerCredentials;
  readonly #server: Server;
  readonly #health: Health;
  readonly #shards = new Map<string, Shard>();
  readonly #connections = new Set<Connection>();
  /** Shards that executed something in this turn, and connections that have something to send. */
  #touched: Shard[] = [];
  #queued = new Set<Connection>();
  /** Connections that go on with what they held. */
  #resumed = new Set<Connection>();
  #isScheduled = false;
  #isLeaving = false;
  #onGone = (): void => {};
  readonly #end = (): void => this.#endTurn();

  constructor(options: NodeExporterOptions) {
    this.#replicas = options.replicas;
    this.#env = options.env;
    this.#credentials = options.credentials ?? ServerCredentials.createInsecure();
    this.#server = new Server(serverOptions(streamsMax));
    const implementation = { forward: (call: ForwardCall) => this.accept(call) };
    this.#server.addService(service, implementation as unknown as UntypedServiceImplementation);
    const { env, isReady } = options;
    this.#health = new Health(serviceName, isReady && { isReady, timers: env.timers });
    this.#health.addTo(this.#server);
    options.administration?.addTo(this.#server);
    const beside = options.administration === undefined ? [] : [adminServiceName];
    addReflection(this.#server, serviceName, ...beside, 'grpc.health.v1.Health');
    options.replicas.onRole((change) => this.#tellRole(change));
  }

  /** Listens on a TCP port (0: any free one); resolves with the port. */
  listen(port: number, host: string): Promise<number> {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, this.#credentials, (error, bound) => {
        if (error !== null) {
          reject(new KvError('INVALID', `can't listen on ${address}: ${error.message}`, { cause: error }));
          return;
        }
        this.#health.setServing(true);
        resolve(bound);
      });
    });
  }

  get timers(): Timers {
    return this.#env.timers;
  }

  get timestamps(): Timestamps {
    return this.#replicas.timestamps;
  }

  /** Streams that are open. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** A gateway's stream, of this server or from within the process. */
  accept(call: ForwardCall): void {
    if (this.#isLeaving) {
      call.emit('error', streamStatus(new KvError('CLOSED', 'the node ends')));
      return;
    }
    const connection = new Connection(this, call);
    this.#connections.add(connection);
    connection.start();
    const leads = [];
    for (const { shard, leader } of this.#replicas.replicas()) {
      leads.push({ shard, leader, epoch: leader?.epoch ?? 0 });
    }
    connection.tellLeads(leads);
  }

  /** Tells all gateways to send nothing new. */
  sayGoodbye(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#health.setServing(false);
    for (const connection of this.#connections) connection.sayGoodbye();
  }

  /** Ends when those who were told goodbye have ended their streams, and cuts those that did not in time. */
  async close(): Promise<void> {
    this.sayGoodbye();
    this.#endTurn();
    await this.#allGone();
    for (const connection of this.#connections) connection.fail(new KvError('CLOSED', 'the node ends'));
    await new Promise<void>((resolve) => {
      const timer = this.#env.timers.setTimeout(() => this.#server.forceShutdown(), closingMs);
      this.#server.tryShutdown(() => {
        this.#env.timers.clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Resolves when no stream is left, or after a while. */
  #allGone(): Promise<void> {
    const { timers } = this.#env;
    return new Promise((resolve) => {
      const timer = timers.setTimeout(resolve, closingMs);
      this.#onGone = () => {
        if (this.#connections.size > 0) return;
        timers.clearTimeout(timer);
        resolve();
      };
      this.#onGone();
    });
  }

  // Called by connections

  /** Null when this node has no replica of it. */
  shard(name: string): Shard | null {
    const replica = this.#replicas.replica(name);
    if (replica === null) return null;
    const known = this.#shards.get(name);
    if (known !== undefined && known.coordinator === replica.coordinator) return known;
    const shard = new Shard(name, replica.coordinator);
    this.#shards.set(name, shard);
    shard.coordinator.onCommitted(() => this.#release(shard));
    shard.coordinator.onRevoked(() => {
      for (const connection of this.#connections) connection.revoke(shard);
    });
    return shard;
  }

  /** More is committed: of what is held for connections some may leave. */
  #release(shard: Shard): void {
    for (const connection of this.#connections) connection.release(shard);
  }

  /** Requests of the shard come, in this turn. */
  touch(shard: Shard): void {
    if (shard.isInTurn) return;
    shard.isInTurn = true;
    shard.coordinator.beginTurn();
    this.#touched.push(shard);
    this.#schedule();
  }

  /** The connection has something to send at the end of the turn. */
  queue(connection: Connection): void {
    this.#queued.add(connection);
    this.#schedule();
  }

  /** The connection goes on with what it held, at the end of this turn, or of the next one if it is called there. */
  goOnLater(connection: Connection): void {
    this.#resumed.add(connection);
    this.#schedule();
  }

  /** Sends what there is before the turn is over: a lot was replied. */
  flushNow(connection: Connection): void {
    this.#settle();
    connection.flush();
  }

  removed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#queued.delete(connection);
    this.#resumed.delete(connection);
    this.#onGone();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#env.timers.setImmediate(this.#end);
  }

  #endTurn(): void {
    this.#isScheduled = false;
    if (this.#resumed.size > 0) {
      const resumed = this.#resumed;
      this.#resumed = new Set();
      for (const connection of resumed) connection.goOn();
    }
    this.#settle();
    const queued = this.#queued;
    if (queued.size === 0) return;
    this.#queued = new Set();
    for (const connection of queued) connection.flush();
  }

  #settle(): void {
    const touched = this.#touched;
    this.#touched = [];
    for (const shard of touched) {
      const { coordinator } = shard;
      const before = coordinator.committedVersion;
      shard.isInTurn = false;
      coordinator.settle();
      if (coordinator.committedVersion > before) this.#release(shard);
    }
  }

  #tellRole({ shard, leader, epoch }: RoleChange): void {
    for (const connection of this.#connections) connection.tellLeads([{ shard, leader, epoch }]);
  }
}
