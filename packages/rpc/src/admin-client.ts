/** Asks one process about itself, and has it do what an operator wants: `kv.v1.Admin`. */
import {
  type ChannelCredentials,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials as channelCredentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { type Env, type ErrorCode, KvError } from '@holdfast/common';
import { channelOptions } from './channel.js';
import {
  AdminClient as AdminStub,
  type DrainRequest,
  type DrainResponse,
  type MoveLeadRequest,
  type MoveLeadResponse,
  type SetConsistencyRequest,
  type SetConsistencyRequest_Consistency,
  type SetConsistencyResponse,
  type SnapshotResponse,
  type StatusRequest,
  type StatusResponse,
  type TimestampRequest,
  type TimestampResponse,
} from './gen/kv/v1/admin.js';
import { errorDetailsOf } from './status.js';

export interface AdminClientOptions {
  /** `host:port`. */
  readonly address: string;
  readonly env: Env;
  /** TLS; without it the connection is in the clear. */
  readonly credentials?: ChannelCredentials;
}

type Call<Q, R> = (
  request: Q,
  metadata: Metadata,
  callback: (error: ServiceError | null, response: R) => void,
) => ClientUnaryCall;

const codesByReason: Readonly<Record<string, ErrorCode>> = {
  INVALID: 'INVALID',
  COMPACTED: 'COMPACTED',
  NOT_LEADER: 'REFUSED',
  UNSUPPORTED: 'INVALID',
  UNDETERMINED: 'UNDETERMINED',
  UNAVAILABLE: 'UNAVAILABLE',
};

export class AdminClient {
  readonly address: string;
  readonly #env: Env;
  readonly #stub: AdminStub;

  constructor({ address, env, credentials = channelCredentials.createInsecure() }: AdminClientOptions) {
    this.address = address;
    this.#env = env;
    this.#stub = new AdminStub(address, credentials, channelOptions());
  }

  // All of them throw KvError UNAVAILABLE when the process can't be reached or is not done in time, UNDETERMINED
  // when it was told to do something and its answer was lost, otherwise what the process says.

  status(timeoutMs: number): Promise<StatusResponse> {
    return this.#call<StatusRequest, StatusResponse>(this.#stub.status, {}, timeoutMs, false);
  }

  async moveLead(shard: string, to: string, timeoutMs: number): Promise<void> {
    await this.#call<MoveLeadRequest, MoveLeadResponse>(this.#stub.moveLead, { shard, to }, timeoutMs, true);
  }

  /** How many leads were given away. */
  async drain(isDraining: boolean, timeoutMs: number): Promise<number> {
    const { drain } = this.#stub;
    return (await this.#call<DrainRequest, DrainResponse>(drain, { isDraining }, timeoutMs, true)).moved;
  }

  /** For how long writes waited, in ms. */
  async setConsistency(
    consistency: SetConsistencyRequest_Consistency,
    etcd: readonly string[],
    timeoutMs: number,
  ): Promise<number> {
    const { pausedMs } = await this.#call<SetConsistencyRequest, SetConsistencyResponse>(
      this.#stub.setConsistency,
      { consistency, etcd: [...etcd] },
      timeoutMs,
      true,
    );
    return pausedMs;
  }

  /** What a node holds of a shard, in frames. */
  snapshot(shard: string): AsyncGenerator<Uint8Array, void, void> {
    return this.#frames(this.#stub.snapshot({ shard }));
  }

  /** A version above all that anybody was given before. */
  async timestamp(timeoutMs: number): Promise<number> {
    const { timestamp } = this.#stub;
    return (await this.#call<TimestampRequest, TimestampResponse>(timestamp, {}, timeoutMs, false)).version;
  }

  /** What was written to a shard behind a position of its log, up to a version, in frames. */
  changes(shard: string, after: number, version: number): AsyncGenerator<Uint8Array, void, void> {
    return this.#frames(this.#stub.changes({ shard, after, version }));
  }

  /** What was written to a shard, or to a whole server, whose name is empty, after a version and up to another one, in frames. */
  history(shard: string, after: number, version: number): AsyncGenerator<Uint8Array, void, void> {
    return this.#frames(this.#stub.history({ shard, after, version }));
  }

  close(): void {
    this.#stub.close();
  }

  async *#frames(stream: ClientReadableStream<SnapshotResponse>): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const { frames } of stream as AsyncIterable<SnapshotResponse>) yield frames;
    } catch (error) {
      throw this.#errorOf(error as ServiceError, false);
    } finally {
      stream.cancel();
    }
  }

  #call<Q, R>(call: Call<Q, R>, request: Q, timeoutMs: number, isChange: boolean): Promise<R> {
    const { timers } = this.#env;
    return new Promise((resolve, reject) => {
      // Not gRPC's own deadline: that goes by the wall clock, which may jump.
      const timer = timers.setTimeout(() => running.cancel(), timeoutMs);
      const running = call.call(this.#stub, request, new Metadata(), (error, response) => {
        timers.clearTimeout(timer);
        if (error === null) resolve(response);
        else reject(this.#errorOf(error, isChange));
      });
    });
  }

  #errorOf(error: ServiceError, isChange: boolean): KvError {
    const reason = errorDetailsOf(error)?.reason;
    if (reason !== undefined)
      return new KvError(codesByReason[reason] ?? 'INVALID', error.details, { cause: error });
    if (error.code === status.UNIMPLEMENTED) {
      return new KvError('INVALID', `${this.address} is no process that can be administered`, {
        cause: error,
      });
    }
    const what = error.code === status.CANCELLED ? 'did not answer in time' : "can't be reached";
    // A connection that could not be made has carried nothing.
    const isLost = isChange && error.code !== status.UNAVAILABLE;
    return new KvError(isLost ? 'UNDETERMINED' : 'UNAVAILABLE', `${this.address} ${what}`, { cause: error });
  }
}
