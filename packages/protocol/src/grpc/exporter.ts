/**
 * Serves the gRPC protocol: `kv.v1.KV`, health and reflection. It knows the coordinator's contract, and
 * nothing of what commands do.
 */
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { type Env, KvError } from '@holdfast/common';
import { type Coordinator, ScanRoom, Turns } from '@holdfast/coord';
import { addReflection, Health, kv, serverOptions } from '@holdfast/rpc';
import type { Settings } from '../settings.js';
import { credentialsOf, databaseOf } from './admission.js';
import { AdmittedCalls } from './admitted-call.js';
import { boundedService } from './bounded-requests.js';
import { scanCall, unaryCalls } from './calls.js';
import { type BatchCall, Connection } from './connection.js';
import { callStatus } from './errors.js';
import { streamsMax } from './limits.js';
import { RequestRoom } from './request-room.js';

export interface GrpcExporterOptions {
  readonly coordinator: Coordinator;
  readonly env: Env;
  readonly config: Settings;
  /** TLS; without it the connection is in the clear. */
  readonly credentials?: ServerCredentials;
  /** What grpc.health.v1 reports; true when not given. */
  readonly isReady?: () => boolean;
  /** For requests under way. */
  readonly room?: RequestRoom;
}

const serviceName = 'kv.v1.KV';

/** How long calls may take to end when the server closes, in ms. */
const closingMs = 1000;

const asIs = (bytes: Buffer): Buffer => bytes;

/** Messages of Batch pass as bytes: see decoder.ts and reply.ts. So do responses of unary calls: see calls.ts. */
const service = {
  get: answeredAsIs(boundedService.get),
  batchGet: answeredAsIs(boundedService.batchGet),
  put: answeredAsIs(boundedService.put),
  delete: answeredAsIs(boundedService.delete),
  deleteRange: answeredAsIs(boundedService.deleteRange),
  scan: boundedService.scan,
  execute: answeredAsIs(boundedService.execute),
  transact: answeredAsIs(boundedService.transact),
  batch: answeredAsIs({ ...kv.KVService.batch, requestDeserialize: asIs }),
};

function answeredAsIs<M>(method: M): M & { responseSerialize: typeof asIs } {
  return { ...method, responseSerialize: asIs };
}

export class GrpcExporter {
  readonly #coordinator: Coordinator;
  readonly #env: Env;
  readonly #config: Settings;
  readonly #credentials: ServerCredentials;
  readonly #turns: Turns;
  readonly #calls: AdmittedCalls;
  readonly #server: Server;
  readonly #health: Health;
  readonly #connections = new Set<Connection>();

  constructor(options: GrpcExporterOptions) {
    const { coordinator, env, config, isReady, room = new RequestRoom() } = options;
    this.#coordinator = coordinator;
    this.#env = env;
    this.#config = config;
    this.#credentials = options.credentials ?? ServerCredentials.createInsecure();
    this.#turns = new Turns(coordinator, env.timers);
    const context = { coordinator, config, turns: this.#turns, room: new ScanRoom(this.#turns, env.clock) };
    this.#calls = new AdmittedCalls({ context, serviceName, room });
    this.#server = new Server({
      ...serverOptions(streamsMax),
      interceptors: [this.#calls.interceptor],
    });
    const implementation = {
      ...unaryCalls(context),
      scan: scanCall(context),
      batch: (call: BatchCall) => this.#accept(call),
    };
    this.#server.addService(service, implementation as unknown as UntypedServiceImplementation);
    this.#health = new Health(serviceName, isReady && { isReady, timers: env.timers });
    this.#health.addTo(this.#server);
    addReflection(this.#server, serviceName, 'grpc.health.v1.Health');
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

  /** Batch streams that are open. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Accepts no calls any more, and ends those there are: at once for Batch, after a second for others. */
  async close(): Promise<void> {
    this.#health.setServing(false);
    for (const connection of this.#connections) connection.fail(new KvError('CLOSED', 'the server ends'));
    await new Promise<void>((resolve) => {
      const timer = this.#env.timers.setTimeout(() => this.#server.forceShutdown(), closingMs);
      this.#server.tryShutdown(() => {
        this.#env.timers.clearTimeout(timer);
        resolve();
      });
    });
  }

  #accept(call: BatchCall): void {
    try {
      const connection = new Connection({
        call,
        coordinator: this.#coordinator,
        turns: this.#turns,
        config: this.#config,
        credentials: credentialsOf(call.metadata),
        database: databaseOf(call.metadata, this.#config),
        onExecuted: () => this.#calls.executed(call.metadata),
        onClosed: (closed) => this.#connections.delete(closed),
      });
      connection.start();
      this.#connections.add(connection);
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      call.emit('error', callStatus(error));
    }
  }
}
