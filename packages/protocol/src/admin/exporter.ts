/**
 * Serves `kv.v1.Admin`: on a port of its own, or beside another service (`addTo`). It knows the contract of
 * `Administration`, and nothing of what a process is.
 */
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { type Env, KvError } from '@holdfast/common';
import { addReflection, admin, Health, serverOptions } from '@holdfast/rpc';
import type { Administration } from './administration.js';
import { callStatus, unsupported } from './errors.js';
import { closingMs, streamsMax } from './limits.js';

export interface AdminExporterOptions {
  readonly administration: Administration;
  readonly env: Env;
  /** An error that is nobody's fault but ours. */
  readonly onError?: (error: unknown) => void;
  /** TLS; without it the connection is in the clear. */
  readonly credentials?: ServerCredentials;
}

export const adminServiceName = 'kv.v1.Admin';

const { SetConsistencyRequest_Consistency: consistencies } = admin;

export class AdminExporter {
  readonly #administration: Administration;
  readonly #env: Env;
  readonly #credentials: ServerCredentials;
  readonly #onError: (error: unknown) => void;
  #server: Server | null = null;

  constructor({ administration, env, credentials, onError = () => {} }: AdminExporterOptions) {
    this.#administration = administration;
    this.#env = env;
    this.#credentials = credentials ?? ServerCredentials.createInsecure();
    this.#onError = onError;
  }

  /** Serves it at a server of somebody else, who says that there is reflection for it. */
  addTo(server: Server): void {
    const it = this.#administration;
    server.addService(admin.AdminService, {
      status: this.#unary(async () => it.status()),
      moveLead: this.#unary(it.moveLead && (({ shard, to }) => it.moveLead!(shard, to).then(() => ({})))),
      drain: this.#unary(it.drain && (async ({ isDraining }) => ({ moved: await it.drain!(isDraining) }))),
      setConsistency: this.#unary(
        it.setConsistency &&
          (async (request: admin.SetConsistencyRequest) => ({
            pausedMs: await this.#setConsistency(request),
          })),
      ),
      timestamp: this.#unary(it.timestamp && (async () => ({ version: await it.timestamp!() }))),
      snapshot: this.#frames<admin.SnapshotRequest>(it.snapshot && (({ shard }) => it.snapshot!(shard))),
      changes: this.#frames<admin.ChangesRequest>(
        it.changes && (({ after, shard, version }) => it.changes!(shard, after, version)),
      ),
      history: this.#frames<admin.HistoryRequest>(
        it.history && (({ after, shard, version }) => it.history!(shard, after, version)),
      ),
    });
  }

  /** Listens on a TCP port (0: any free one); resolves with the port. */
  listen(port: number, host: string): Promise<number> {
    const server = new Server(serverOptions(streamsMax));
    this.#server = server;
    this.addTo(server);
    const health = new Health(adminServiceName);
    health.addTo(server);
    addReflection(server, adminServiceName, 'grpc.health.v1.Health');
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve, reject) => {
      server.bindAsync(address, this.#credentials, (error, bound) => {
        if (error !== null) {
          reject(new KvError('INVALID', `can't listen on ${address}: ${error.message}`, { cause: error }));
          return;
        }
        health.setServing(true);
        resolve(bound);
      });
    });
  }

  /** Ends what `listen` began. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    await new Promise<void>((resolve) => {
      const timer = this.#env.timers.setTimeout(() => server.forceShutdown(), closingMs);
      server.tryShutdown(() => {
        this.#env.timers.clearTimeout(timer);
        resolve();
      });
    });
  }

  #unary<Q, R>(run: ((request: Q) => Promise<R>) | undefined) {
    return (call: ServerUnaryCall<Q, R>, callback: sendUnaryData<R>): void => {
      if (run === undefined) {
        callback(unsupported(this.#cannot(call.getPath())));
        return;
      }
      run(call.request).then(
        (response) => callback(null, response),
        (error: unknown) => callback(this.#failed(error)),
      );
    };
  }

  async #setConsistency({ consistency, etcd }: admin.SetConsistencyRequest): Promise<number> {
    switch (consistency) {
      case consistencies.CONSISTENCY_LOCAL:
        return this.#administration.setConsistency!('local', []);
      case consistencies.CONSISTENCY_REPLICATED:
        return this.#administration.setConsistency!('replicated', etcd);
      default:
        throw new KvError('INVALID', 'the consistency must be local or replicated');
    }
  }

  /** A stream of the frames that `open` gives. */
  #frames<Q>(open: ((request: Q) => AsyncIterable<Uint8Array>) | undefined) {
    return (call: ServerWritableStream<Q, admin.SnapshotResponse>): void => {
      if (open === undefined) call.emit('error', unsupported(this.#cannot(call.getPath())));
      else void this.#send(call, open);
    };
  }

  async #send<Q>(
    call: ServerWritableStream<Q, admin.SnapshotResponse>,
    open: (request: Q) => AsyncIterable<Uint8Array>,
  ): Promise<void> {
    try {
      for await (const frames of open(call.request)) {
        if (call.cancelled) return;
        if (!call.write({ frames: asBuffer(frames) })) await drained(call);
      }
      call.end();
    } catch (error) {
      call.emit('error', this.#failed(error));
    }
  }

  #failed(error: unknown) {
    if (!(error instanceof KvError)) this.#onError(error);
    return callStatus(error);
  }

  #cannot(path: string): string {
    const method = path.slice(path.lastIndexOf('/') + 1);
    return `a ${kindOf(this.#administration)} can't do ${method}`;
  }
}

function kindOf(administration: Administration): string {
  const { kind } = administration.status();
  if (kind === admin.ProcessKind.PROCESS_KIND_GATEWAY) return 'gateway of a cluster';
  return kind === admin.ProcessKind.PROCESS_KIND_STORAGE_NODE ? 'storage node' : 'whole server';
}

function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** What was written has room to leave, or nobody wants it any more. */
function drained<Q>(call: ServerWritableStream<Q, admin.SnapshotResponse>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      call.off('cancelled', done);
      call.off('close', done);
      resolve();
    };
    call.on('drain', done);
    call.on('cancelled', done);
    call.on('close', done);
  });
}
