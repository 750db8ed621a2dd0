/** A store behind a gRPC server. */
import {
  type ChannelCredentials,
  type ClientUnaryCall,
  credentials as channelCredentials,
  Metadata,
  type CallOptions as RpcOptions,
  type ServiceError,
} from '@grpc/grpc-js';
import { batchKeysMax, bytesOf, type Env, emptyBytes, KvError, pause, systemEnv } from '@holdfast/common';
import { channelOptions, kv } from '@holdfast/rpc';
import {
  bytesProblem,
  commandProblem,
  keysProblem,
  optionsProblem,
  selectionProblem,
  transactionProblem,
} from './arguments.js';
import { BatchStream, type RawStream } from './batch-stream.js';
import { callError } from './call-error.js';
import { type Operation, operations, PendingCommand } from './codec.js';
import { closedError } from './errors.js';
import type {
  Bytes,
  CallOptions,
  DeleteOptions,
  Entry,
  ExecuteOptions,
  Found,
  Freshness,
  KeyValueStore,
  Page,
  PutOptions,
  ReadOptions,
  ScanOptions,
  Selection,
  TransactOptions,
  Value,
} from './key-value-store.js';
import { timeoutMsDefault } from './limits.js';
import { argumentOf, typeName, valueOfMessage } from './value.js';

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

/** A client of a server. Does not wait for it: calls do, as long as their time-out allows. */
export function connect(options: ConnectOptions): KeyValueStore {
  return new GrpcStore(options);
}

type UnaryMethod<Q, A> = (
  request: Q,
  metadata: Metadata,
  options: Partial<RpcOptions>,
  callback: (error: ServiceError | null, response: A) => void,
) => ClientUnaryCall;

class GrpcStore implements KeyValueStore {
  readonly #client: kv.KVClient;
  readonly #env: Env;
  readonly #metadata: Metadata;
  readonly #timeoutMs: number;
  readonly #freshness: Freshness | undefined;
  readonly #batch: BatchStream;
  #isClosed = false;

  constructor(options: ConnectOptions) {
    this.#env = options.env ?? systemEnv();
    this.#timeoutMs = options.timeoutMs ?? timeoutMsDefault;
    const problem = connectProblem(options);
    if (problem !== null) throw problem;
    this.#freshness = options.freshness;
    this.#metadata = metadataOf(options);
    const credentials = options.credentials ?? channelCredentials.createInsecure();
    this.#client = new kv.KVClient(options.address, credentials, channelOptions());
    this.#batch = new BatchStream({
      env: this.#env,
      whenReachable: (ready) => this.#client.waitForReady(Number.POSITIVE_INFINITY, ready),
      open: () => this.#openBatch(),
    });
  }

  get(key: Bytes, options?: ReadOptions): Promise<Found | null> {
    const problem = bytesProblem('a key', key) ?? optionsProblem(options);
    if (problem !== null) return Promise.reject(problem);
    const freshness = this.#freshnessOf(options);
    return this.#send(operations.get, [key], options?.timeoutMs, -1, -1, false, freshness);
  }

  put(key: Bytes, value: Bytes, options?: PutOptions): Promise<number> {
    const problem = bytesProblem('a key', key) ?? bytesProblem('a value', value) ?? optionsProblem(options);
    if (problem !== null) return Promise.reject(problem);
    if (options === undefined) return this.#send(operations.put, [key, value], undefined);
    const { timeoutMs, ttlMs, expectedVersion, onlyIfAbsent } = options;
    return this.#send(operations.put, [key, value], timeoutMs, ttlMs, expectedVersion, onlyIfAbsent);
  }

  async delete(key: Bytes, options?: DeleteOptions): Promise<boolean> {
    const problem = bytesProblem('a key', key) ?? optionsProblem(options);
    if (problem !== null) throw problem;
    const args = [key];
    const version = await this.#send<number>(
      operations.delete,
      args,
      options?.timeoutMs,
      undefined,
      options?.expectedVersion,
    );
    return version !== 0;
  }

  execute(args: readonly (Bytes | number)[], options?: ExecuteOptions): Promise<Value> {
    const problem = commandProblem(args) ?? optionsProblem(options);
    if (problem !== null) return Promise.reject(problem);
    const freshness = this.#freshnessOf(options);
    return new Promise((resolve, reject) => {
      this.#batch.add(
        new PendingCommand(
          operations.execute,
          args.map(argumentOf),
          -1,
          -1,
          false,
          options?.encoding,
          options?.protocol ?? 3,
          freshness,
          this.#deadline(options?.timeoutMs),
          resolve,
          reject,
        ),
      );
    });
  }

  async getMany(keys: readonly Bytes[], options?: ReadOptions): Promise<(Entry | null)[]> {
    const problem = keysProblem(keys) ?? optionsProblem(options);
    if (problem !== null) throw problem;
    if (keys.length > batchKeysMax) throw new KvError('LIMIT', `at most ${batchKeysMax} keys at a time`);
    const request = { keys: keys.map(bufferOf), freshness: this.#freshnessOf(options) };
    const { entries } = await this.#unary(this.#client.batchGet, request, options, true);
    return entries.map((entry) => (entry.type === 0 ? null : entryOf(entry, false)));
  }

  async deleteRange(selection: Selection, options?: CallOptions): Promise<number> {
    const problem = selectionProblem(selection) ?? optionsProblem(options);
    if (problem !== null) throw problem;
    const request = { selection: selectionMessage(selection) };
    return (await this.#unary(this.#client.deleteRange, request, options, false)).deleted;
  }

  async transact(
    commands: readonly (readonly (Bytes | number)[])[],
    options: TransactOptions = {},
  ): Promise<Value[]> {
    const problem = transactionProblem(commands, options.compare ?? []) ?? optionsProblem(options);
    if (problem !== null) throw problem;
    const request: kv.TransactRequest = {
      compare: (options.compare ?? []).map(({ key, expectedVersion }) => ({
        key: bufferOf(key),
        expectedVersion,
      })),
      commands: commands.map((args) => ({ args: args.map((arg) => bufferOf(argumentOf(arg))) })),
      protocol: options.protocol ?? 3,
      freshness: this.#freshnessOf(options),
    };
    const { values } = await this.#unary(this.#client.transact, request, options, false);
    return values.map((value) => valueOfMessage(value, options.encoding));
  }

  async *scan(options: ScanOptions = {}): AsyncGenerator<Entry> {
    for await (const { entries } of this.scanPages(options)) yield* entries;
  }

  /** Goes on by itself where a broken connection ended the stream. */
  async *scanPages(options: ScanOptions = {}): AsyncGenerator<Page> {
    const { keysOnly = false, limit = Number.POSITIVE_INFINITY, selection } = options;
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    let resumeToken: Uint8Array = options.resumeToken ?? emptyBytes;
    let left = limit;
    const problem = (selection === undefined ? null : selectionProblem(selection)) ?? optionsProblem(options);
    if (problem !== null) throw problem;
    const freshness = this.#freshnessOf(options);
    for (let silentSinceMs = this.#env.clock.monotonic(); left > 0; ) {
      if (this.#isClosed) throw closedError();
      const request = { ...scanRequest(options, left, resumeToken), freshness };
      try {
        for await (const message of this.#scanStream(request, timeoutMs)) {
          silentSinceMs = this.#env.clock.monotonic();
          resumeToken = message.resumeToken;
          left -= message.entries.length;
          const entries = message.entries.map((entry) => entryOf(entry, keysOnly));
          yield { entries, resumeToken: message.resumeToken.length === 0 ? null : message.resumeToken };
        }
        return;
      } catch (error) {
        if (this.#isClosed) throw closedError();
        if (!(error instanceof KvError) || error.code !== 'UNAVAILABLE') throw error;
        if (timeoutMs > 0 && this.#env.clock.monotonic() - silentSinceMs >= timeoutMs) throw error;
        await this.#pause();
      }
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#batch.close();
    this.#client.close();
  }

  #send<R>(
    operation: Operation,
    args: readonly Bytes[],
    timeoutMs: number | undefined,
    ttlMs = -1,
    expectedVersion = -1,
    onlyIfAbsent = false,
    freshness: kv.Freshness = kv.Freshness.FRESHNESS_UNSPECIFIED,
  ): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.#batch.add(
        new PendingCommand(
          operation,
          args,
          ttlMs,
          expectedVersion,
          onlyIfAbsent,
          undefined,
          3,
          freshness,
          this.#deadline(timeoutMs),
          resolve as (result: never) => void,
          reject,
        ),
      );
    });
  }

  /** Of options that were checked. */
  #freshnessOf(options: ReadOptions | undefined): kv.Freshness {
    const freshness = options?.freshness ?? this.#freshness;
    return freshness === undefined ? kv.Freshness.FRESHNESS_UNSPECIFIED : freshnessNumbers[freshness];
  }

  #deadline(timeoutMs = this.#timeoutMs): number {
    return timeoutMs === 0 ? Number.POSITIVE_INFINITY : this.#env.clock.monotonic() + timeoutMs;
  }

  #unary<Q, A>(
    method: UnaryMethod<Q, A>,
    request: Q,
    options: CallOptions | undefined,
    isRead: boolean,
  ): Promise<A> {
    if (this.#isClosed) return Promise.reject(closedError());
    const timeoutMs = options?.timeoutMs ?? this.#timeoutMs;
    return new Promise((resolve, reject) => {
      const metadata = this.#metadata.clone();
      metadata.setOptions({ waitForReady: true });
      const isEndless = timeoutMs === 0 || timeoutMs > deadlineMsMax;
      const deadline = isEndless ? Number.POSITIVE_INFINITY : this.#env.clock.now() + timeoutMs;
      method.call(this.#client, request, metadata, { deadline }, (error, response) => {
        if (error === null) resolve(response);
        else reject(this.#isClosed ? closedError() : callError(error, isRead));
      });
    });
  }

  /** The messages of one stream; a silence of `timeoutMs` ends it with UNAVAILABLE. */
  async *#scanStream(request: kv.ScanRequest, timeoutMs: number): AsyncGenerator<kv.ScanResponse> {
    const metadata = this.#metadata.clone();
    metadata.setOptions({ waitForReady: true });
    const stream = this.#client.scan(request, metadata);
    const { timers } = this.#env;
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
      stream.cancel();
    }
  }

  #openBatch(): RawStream {
    const { path, requestStream, responseStream } = kv.KVService.batch;
    if (!requestStream || !responseStream) throw new KvError('INVALID', 'Batch must be a stream');
    const asIs = (bytes: Buffer): Buffer => bytes;
    return this.#client.makeBidiStreamRequest(path, asIs, asIs, this.#metadata.clone());
  }

  #pause(): Promise<void> {
    return pause(this.#env.timers, retryMs);
  }
}

/** A call with a longer time-out has none: gRPC's deadlines end somewhere beyond. */
const deadlineMsMax = 0x7fffffff;

/** Between two tries of a scan whose connection broke, in ms. */
const retryMs = 50;

function metadataOf({ user, password, database }: ConnectOptions): Metadata {
  const metadata = new Metadata();
  if (database !== undefined) metadata.set('database', String(database));
  if (password === undefined) return metadata;
  const pair = Buffer.from(`${user ?? 'default'}:${password}`, 'utf8').toString('base64');
  metadata.set('authorization', `Basic ${pair}`);
  return metadata;
}

const freshnessNumbers = {
  linearizable: kv.Freshness.FRESHNESS_LINEARIZABLE,
  lease: kv.Freshness.FRESHNESS_LEASE,
  stale: kv.Freshness.FRESHNESS_STALE,
} as const;

function connectProblem(options: ConnectOptions): KvError | null {
  const { address, user, password } = options ?? {};
  if (typeof address !== 'string' || address === '') {
    return new KvError('INVALID', 'address must be host:port, or anything else that gRPC resolves');
  }
  if (user !== undefined && password === undefined) return new KvError('INVALID', 'a user needs a password');
  return optionsProblem(options);
}

function bufferOf(value: Bytes): Buffer {
  const bytes = bytesOf(value);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function selectionMessage(selection: Selection): NonNullable<kv.ScanRequest['selection']> {
  if ('prefix' in selection) return { $case: 'prefix', value: bufferOf(selection.prefix) };
  const end = selection.end === undefined ? emptyBytes : bufferOf(selection.end);
  return { $case: 'range', value: { start: bufferOf(selection.start), end } };
}

function scanRequest(options: ScanOptions, left: number, resumeToken: Uint8Array): kv.ScanRequest {
  return {
    selection: options.selection === undefined ? undefined : selectionMessage(options.selection),
    reverse: options.reverse ?? false,
    limit: left === Number.POSITIVE_INFINITY ? 0 : left,
    keysOnly: options.keysOnly ?? false,
    resumeToken: bufferOf(resumeToken),
  };
}

function entryOf({ key, type, value, version, ttlMs }: kv.Entry, keysOnly: boolean): Entry {
  const hasValue = type === 1 && !keysOnly;
  return { key, type: typeName(type), value: hasValue ? value : null, version, ttlMs: ttlMs ?? null };
}
