/** `kv.v1.Timestamps` over gRPC, for one instance: what its `LeaderOracle` gives, in the order of the requests. */
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { KvError } from '@holdfast/common';
import { addReflection, Health, serverOptions, statusOf, tso } from '@holdfast/rpc';
import type { LeaderOracle } from './leader-oracle.js';
import { requestCountMax, streamsMax } from './limits.js';

type Stream = ServerDuplexStream<tso.AllocateRequest, tso.AllocateResponse>;

const serviceName = 'kv.v1.Timestamps';

export class TimestampServer {
  readonly #server: Server;
  readonly #credentials: ServerCredentials;
  readonly #health = new Health(serviceName);
  #oracle: LeaderOracle | null = null;
  #streamCount = 0;
  #requestCount = 0;
  #timestampCount = 0;

  /** `credentials`: TLS; without it connections are in the clear. */
  constructor(credentials: ServerCredentials = ServerCredentials.createInsecure()) {
    this.#credentials = credentials;
    this.#server = new Server(serverOptions(streamsMax));
    this.#server.addService(tso.TimestampsService, { allocate: (stream: Stream) => this.#serve(stream) });
    this.#health.addTo(this.#server);
    addReflection(this.#server, serviceName);
  }

  /** For metrics. */
  get counts(): { streams: number; requests: number; timestamps: number } {
    return { streams: this.#streamCount, requests: this.#requestCount, timestamps: this.#timestampCount };
  }

  /** What it serves from now on: known only when it listens, because its address is part of it. */
  setOracle(oracle: LeaderOracle): void {
    this.#oracle = oracle;
  }

  /** For load balancers: it serves while it leads. */
  setServing(isServing: boolean): void {
    this.#health.setServing(isServing);
  }

  /** Resolves with the port. */
  listen(port: number, host: string): Promise<number> {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, this.#credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  /** Ends all streams: clients look for another instance. */
  close(): void {
    this.#health.setServing(false);
    this.#server.forceShutdown();
  }

  #serve(stream: Stream): void {
    this.#streamCount++;
    stream.on('data', ({ count }) => this.#answer(stream, count));
    stream.on('error', () => {});
    stream.on('end', () => stream.end());
    stream.on('close', () => {
      this.#streamCount--;
    });
  }

  #answer(stream: Stream, count: number): void {
    this.#requestCount++;
    if (!(count > 0 && count <= requestCountMax)) {
      refuse(stream, status.INVALID_ARGUMENT, 'INVALID', `${count} is not from 1 to ${requestCountMax}`);
      return;
    }
    const first = this.#oracle?.next(count) ?? null;
    if (first !== null) {
      this.#timestampCount += count;
      stream.write({ first, count });
      return;
    }
    // Those that follow wait: answers come in order.
    stream.pause();
    this.#wait(stream, count).then(
      () => stream.resume(),
      (error: unknown) => this.#fail(stream, error),
    );
  }

  async #wait(stream: Stream, count: number): Promise<void> {
    if (this.#oracle === null) throw new KvError('UNAVAILABLE', 'the service is starting');
    const first = await this.#oracle.fetch(count);
    this.#timestampCount += count;
    stream.write({ first, count });
  }

  #fail(stream: Stream, error: unknown): void {
    const { code, message } = error instanceof KvError ? error : new KvError('UNAVAILABLE', String(error));
    if (code !== 'REFUSED') return refuse(stream, status.UNAVAILABLE, 'UNAVAILABLE', message);
    const leader = this.#oracle?.leader ?? '';
    refuse(stream, status.FAILED_PRECONDITION, 'NOT_LEADER', message, { leader });
  }
}

function refuse(
  stream: Stream,
  code: status,
  reason: string,
  message: string,
  metadata: Record<string, string> = {},
): void {
  stream.emit('error', statusOf(code, message, { reason, metadata }));
}
