/** The connection of a store to a gRPC server: whom it speaks for, and its calls, streams and time-outs. */
import {
  type ChannelCredentials,
  type ClientUnaryCall,
  credentials as channelCredentials,
  connectivityState,
  Metadata,
  type CallOptions as RpcOptions,
  type ServiceError,
} from '@grpc/grpc-js';
import { type Env, KvError, ProcessHold } from '@holdfast/common';
import { channelOptions, kv } from '@holdfast/rpc';
import { onAbort, untilAborted } from './aborting.js';
import { optionsProblem } from './arguments.js';
import type { RawStream } from './batch-stream.js';
import { callError } from './call-error.js';
import { closedError, noAnswer } from './errors.js';
import type { Freshness } from './key-value-store.js';

export interface ConnectOptions {
  /** `host:port`, or anything else that gRPC resolves. */
  readonly address: string;
  readonly user?: string;
  readonly password?: string;
  readonly database?: number;
  /** Of every call that does not say otherwise; 10 s. */
  readonly timeoutMs?: number;
  /** Of every read that does not say otherwise; what the server's connections begin with when not given. */
  readonly freshness?: Freshness;
  /** TLS; without it the connection is in the clear. */
  readonly credentials?: ChannelCredentials;
  readonly env?: Env;
}

/** A call with a longer time-out has none: gRPC's deadlines end somewhere beyond. */
const deadlineMsMax = 0x7fffffff;

export type UnaryMethod<Q, A> = (
  request: Q,
  metadata: Metadata,
  options: Partial<RpcOptions>,
  callback: (error: ServiceError | null, response: A) => void,
) => ClientUnaryCall;

/** What is under way, and can be ended. */
interface Cancellable {
  cancel(): void;
}

export class GrpcConnection {
  readonly client: kv.KVClient;
  readonly #env: Env;
  readonly #metadata: Metadata;
  /** What is under way, but for streams of Batch. */
  readonly #calls = new Set<Cancellable>();
  #isClosed = false;

  /** Throws KvError INVALID. */
  constructor(options: ConnectOptions, env: Env) {
    const problem = connectProblem(options);
    if (problem !== null) throw problem;
    this.#env = env;
    this.#metadata = metadataOf(options);
    const credentials = options.credentials ?? channelCredentials.createInsecure();
    this.client = new kv.KVClient(options.address, credentials, channelOptions());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ends what is under way, too: by itself gRPC goes on with it. */
  close(): void {
    this.#isClosed = true;
    for (const call of this.#calls) call.cancel();
    this.client.close();
  }

  /** Calls `ready` once, with an error or when the server can be reached. */
  whenReachable(ready: (error?: Error) => void): void {
    this.client.waitForReady(Number.POSITIVE_INFINITY, ready);
  }

  /** One call; without an answer for `timeoutMs` it fails, with 0 it waits on. */
  unary<Q, A>(
    method: UnaryMethod<Q, A>,
    request: Q,
    timeoutMs: number,
    isRead: boolean,
    signal?: AbortSignal,
  ): Promise<A> {
    if (this.#isClosed) return Promise.reject(closedError());
    const isEndless = timeoutMs === 0 || timeoutMs > deadlineMsMax;
    const deadline = isEndless ? Number.POSITIVE_INFINITY : this.#env.clock.now() + timeoutMs;
    let step: Cancellable | null = null;
    const began = (next: Cancellable): void => {
      step = next;
    };
    const run = async (): Promise<A> => {
      if (!isRead) await this.#reach(deadline, began);
      return this.#call(method, request, deadline, isRead, began);
    };
    return signal === undefined ? run() : untilAborted(run(), signal, () => step?.cancel());
  }

  /**
   * Waits for the server, in front of a write: gRPC would wait as well, but not say whether the call was sent by the end
   * of its time, and what was not sent has not been done.
   */
  async #reach(deadline: number, began: (step: Cancellable) => void): Promise<void> {
    if (this.client.getChannel().getConnectivityState(true) === connectivityState.READY) return;
    const hold = new ProcessHold();
    hold.set(true);
    let step!: Cancellable;
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (): void => {
          const problem = noAnswer(true, 'the server could not be reached in time');
          reject(this.#isClosed ? closedError() : problem);
        };
        step = { cancel: fail };
        this.#calls.add(step);
        began(step);
        this.client.waitForReady(deadline, (error) => (error === undefined ? resolve() : fail()));
      });
    } finally {
      this.#calls.delete(step);
      hold.set(false);
    }
  }

  #call<Q, A>(
    method: UnaryMethod<Q, A>,
    request: Q,
    deadline: number,
    isRead: boolean,
    began: (step: Cancellable) => void,
  ): Promise<A> {
    if (this.#isClosed) return Promise.reject(closedError());
    return new Promise<A>((resolve, reject) => {
      const metadata = this.#waitingMetadata();
      const call = method.call(this.client, request, metadata, { deadline }, (error, response) => {
        this.#calls.delete(call);
        if (error === null) resolve(response);
        else reject(this.#isClosed ? closedError() : callError(error, isRead));
      });
      this.#calls.add(call);
      began(call);
    });
  }

  /** The messages of one scan; a silence of `timeoutMs` ends it with UNAVAILABLE. */
  async *scan(
    request: kv.ScanRequest,
    timeoutMs: number,
    signal?: AbortSignal,
  ): AsyncGenerator<kv.ScanResponse> {
    const stream = this.client.scan(request, this.#waitingMetadata());
    this.#calls.add(stream);
    const { timers } = this.#env;
    const giveUp = (): void => stream.cancel();
    const stop = signal === undefined ? null : onAbort(signal, giveUp);
    if (signal?.aborted) giveUp();
    const watch = () => (timeoutMs === 0 ? null : timers.setTimeout(() => stream.cancel(), timeoutMs));
    let timer = watch();
    const rest = () => timer !== null && timers.clearTimeout(timer);
    try {
      for await (const message of stream) {
        rest();
        yield message as kv.ScanResponse;
        timer = watch();
      }
    } catch (error) {
      throw callError(error as ServiceError, true);
    } finally {
      rest();
      stop?.();
      this.#calls.delete(stream);
      stream.cancel();
    }
  }

  openBatch(): RawStream {
    const { path, requestStream, responseStream } = kv.KVService.batch;
    if (!requestStream || !responseStream) throw new KvError('INVALID', 'Batch must be a stream');
    const asIs = (bytes: Buffer): Buffer => bytes;
    return this.client.makeBidiStreamRequest(path, asIs, asIs, this.#metadata.clone());
  }

  /** Of calls that wait for the server. */
  #waitingMetadata(): Metadata {
    const metadata = this.#metadata.clone();
    metadata.setOptions({ waitForReady: true });
    return metadata;
  }
}

function metadataOf({ user, password, database }: ConnectOptions): Metadata {
  const metadata = new Metadata();
  if (database !== undefined) metadata.set('database', String(database));
  if (password === undefined) return metadata;
  const pair = Buffer.from(`${user ?? 'default'}:${password}`, 'utf8').toString('base64');
  metadata.set('authorization', `Basic ${pair}`);
  return metadata;
}

function connectProblem(options: ConnectOptions): KvError | null {
  const { address, user, password } = options ?? {};
  if (typeof address !== 'string' || address === '') {
    return new KvError('INVALID', 'address must be host:port, or anything else that gRPC resolves');
  }
  if (user !== undefined && password === undefined) return new KvError('INVALID', 'a user needs a password');
  return optionsProblem(options);
}
