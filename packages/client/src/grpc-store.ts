/** A store behind a gRPC server. */
import {
  batchKeysMax,
  bytesOf,
  type Env,
  emptyBytes,
  KvError,
  ProcessHold,
  pause,
  systemEnv,
} from '@holdfast/common';
import { kv } from '@holdfast/rpc';
import { abortedError, untilAborted } from './aborting.js';
import {
  bytesProblem,
  commandProblem,
  keysProblem,
  optionsProblem,
  scanProblem,
  selectionProblem,
  transactionProblem,
} from './arguments.js';
import { BatchStream } from './batch-stream.js';
import { type Operation, operations, PendingCommand } from './codec.js';
import { closedError } from './errors.js';
import { type ConnectOptions, GrpcConnection, type UnaryMethod } from './grpc-connection.js';
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

/** A client of a server. Does not wait for it: calls do, as long as their time-out allows. */
export function connect(options: ConnectOptions): KeyValueStore {
  return new GrpcStore(options);
}

class GrpcStore implements KeyValueStore {
  readonly #connection: GrpcConnection;
  readonly #env: Env;
  readonly #timeoutMs: number;
  readonly #freshness: Freshness | undefined;
  readonly #batch: BatchStream;

  constructor(options: ConnectOptions) {
    const env = options?.env ?? systemEnv();
    const connection = new GrpcConnection(options, env);
    this.#env = env;
    this.#connection = connection;
    this.#timeoutMs = options.timeoutMs ?? timeoutMsDefault;
    this.#freshness = options.freshness;
    this.#batch = new BatchStream({
      env,
      whenReachable: (ready) => connection.whenReachable(ready),
      open: () => connection.openBatch(),
    });
  }

  get(key: Bytes, options?: ReadOptions): Promise<Found | null> {
    const problem = bytesProblem('a key', key) ?? optionsProblem(options);
    if (problem !== null) return Promise.reject(problem);
    const freshness = this.#freshnessOf(options);
    return this.#send(operations.get, [key], options, -1, -1, false, freshness);
  }

  put(key: Bytes, value: Bytes, options?: PutOptions): Promise<number> {
    const problem = bytesProblem('a key', key) ?? bytesProblem('a value', value) ?? optionsProblem(options);
    if (problem !== null) return Promise.reject(problem);
    if (options === undefined) return this.#send(operations.put, [key, value], undefined);
    const { ttlMs, expectedVersion, onlyIfAbsent } = options;
    return this.#send(operations.put, [key, value], options, ttlMs, expectedVersion, onlyIfAbsent);
  }

  async delete(key: Bytes, options?: DeleteOptions): Promise<boolean> {
    const problem = bytesProblem('a key', key) ?? optionsProblem(options);
    if (problem !== null) throw problem;
    const args = [key];
    const version = await this.#send<number>(
      operations.delete,
      args,
      options,
      undefined,
      options?.expectedVersion,
    );
    return version !== 0;
  }

  execute(args: readonly (Bytes | number)[], options?: ExecuteOptions): Promise<Value> {
    const problem = commandProblem(args) ?? optionsProblem(options);
    if (problem !== null) return Promise.reject(problem);
    const freshness = this.#freshnessOf(options);
    const { encoding, protocol = 3, timeoutMs, signal } = options ?? {};
    let command!: PendingCommand;
    const call = new Promise<Value>((resolve, reject) => {
      command = new PendingCommand(
        operations.execute,
        args.map(argumentOf),
        -1,
        -1,
        false,
        encoding,
        protocol,
        freshness,
        this.#deadline(timeoutMs),
        resolve,
        reject,
      );
      this.#batch.add(command);
    });
    return signal === undefined ? call : this.#untilAborted(call, signal, command);
  }

  async getMany(keys: readonly Bytes[], options?: ReadOptions): Promise<(Entry | null)[]> {
    const problem = keysProblem(keys) ?? optionsProblem(options);
    if (problem !== null) throw problem;
    if (keys.length > batchKeysMax) throw new KvError('LIMIT', `at most ${batchKeysMax} keys at a time`);
    const request = { keys: keys.map(bufferOf), freshness: this.#freshnessOf(options) };
    const { entries } = await this.#read(this.#connection.client.batchGet, request, options);
    return entries.map((entry) => (entry.type === 0 ? null : entryOf(entry, false)));
  }

  async deleteRange(selection: Selection, options?: CallOptions): Promise<number> {
    const problem = selectionProblem(selection) ?? optionsProblem(options);
    if (problem !== null) throw problem;
    const request = { selection: selectionMessage(selection) };
    return (await this.#write(this.#connection.client.deleteRange, request, options)).deleted;
  }

  async transact(
    commands: readonly (readonly (Bytes | number)[])[],
    options: TransactOptions = {},
  ): Promise<Value[]> {
    const problem = optionsProblem(options) ?? transactionProblem(commands, options.compare ?? []);
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
    const { values } = await this.#write(this.#connection.client.transact, request, options);
    return values.map((value) => valueOfMessage(value, options.encoding));
  }

  async *scan(options: ScanOptions = {}): AsyncGenerator<Entry> {
    for await (const { entries } of this.scanPages(options)) yield* entries;
  }

  /** Goes on by itself where a broken connection ended the stream. */
  async *scanPages(options: ScanOptions = {}): AsyncGenerator<Page> {
    const problem = scanProblem(options);
    if (problem !== null) throw problem;
    const { keysOnly = false, limit = Number.POSITIVE_INFINITY, signal } = options;
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    let resumeToken: Uint8Array = options.resumeToken ?? emptyBytes;
    let left = limit;
    const freshness = this.#freshnessOf(options);
    for (let silentSinceMs = this.#env.clock.monotonic(); left > 0; ) {
      if (this.#connection.isClosed) throw closedError();
      const request = { ...scanRequest(options, left, resumeToken), freshness };
      try {
        for await (const message of this.#connection.scan(request, timeoutMs, signal)) {
          silentSinceMs = this.#env.clock.monotonic();
          const { resumeToken: next } = message;
          const isLast = next.length === 0;
          resumeToken = next;
          left -= message.entries.length;
          const entries = message.entries.map((entry) => entryOf(entry, keysOnly));
          yield { entries, resumeToken: isLast ? null : next };
          // Without a token there is nothing to go on with: a connection that breaks now would begin it all again.
          if (isLast) return;
          if (this.#connection.isClosed) throw closedError();
          // It was the caller who took this long.
          silentSinceMs = this.#env.clock.monotonic();
        }
        return;
      } catch (error) {
        if (this.#connection.isClosed) throw closedError();
        if (signal?.aborted) throw abortedError(signal, 'UNAVAILABLE');
        if (!(error instanceof KvError) || error.code !== 'UNAVAILABLE') throw error;
        if (timeoutMs > 0 && this.#env.clock.monotonic() - silentSinceMs >= timeoutMs) throw error;
        await this.#pauseForRetry();
      }
    }
  }

  /** Nothing else holds the process meanwhile: it would end in the middle of a read. */
  async #pauseForRetry(): Promise<void> {
    const hold = new ProcessHold();
    hold.set(true);
    await pause(this.#env.timers, retryMs);
    hold.set(false);
  }

  async close(): Promise<void> {
    if (this.#connection.isClosed) return;
    this.#batch.close();
    this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send<R>(
    operation: Operation,
    args: readonly Bytes[],
    options: CallOptions | undefined,
    ttlMs = -1,
    expectedVersion = -1,
    onlyIfAbsent = false,
    freshness: kv.Freshness = kv.Freshness.FRESHNESS_UNSPECIFIED,
  ): Promise<R> {
    let command!: PendingCommand;
    const call = new Promise<R>((resolve, reject) => {
      command = new PendingCommand(
        operation,
        args,
        ttlMs,
        expectedVersion,
        onlyIfAbsent,
        undefined,
        3,
        freshness,
        this.#deadline(options?.timeoutMs),
        resolve as (result: never) => void,
        reject,
      );
      this.#batch.add(command);
    });
    const signal = options?.signal;
    return signal === undefined ? call : this.#untilAborted(call, signal, command);
  }

  #untilAborted<R>(call: Promise<R>, signal: AbortSignal, command: PendingCommand): Promise<R> {
    return untilAborted(call, signal, () => this.#batch.giveUp(command));
  }

  /** Of options that were checked. */
  #freshnessOf(options: ReadOptions | undefined): kv.Freshness {
    const freshness = options?.freshness ?? this.#freshness;
    return freshness === undefined ? kv.Freshness.FRESHNESS_UNSPECIFIED : freshnessNumbers[freshness];
  }

  #deadline(timeoutMs = this.#timeoutMs): number {
    return timeoutMs === 0 ? Number.POSITIVE_INFINITY : this.#env.clock.monotonic() + timeoutMs;
  }

  /** A call that is sent again where its connection breaks, as long as there is time. */
  async #read<Q, A>(
    method: UnaryMethod<Q, A>,
    request: Q,
    { timeoutMs = this.#timeoutMs, signal }: CallOptions = {},
  ): Promise<A> {
    const { clock } = this.#env;
    const endMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : clock.monotonic() + timeoutMs;
    for (let leftMs = timeoutMs; ; ) {
      try {
        return await this.#connection.unary(method, request, leftMs, true, signal);
      } catch (error) {
        // What the server itself replied is final.
        const isLost = error instanceof KvError && error.code === 'UNAVAILABLE' && error.reply === '';
        if (!isLost || signal?.aborted || clock.monotonic() + retryMs >= endMs) throw error;
      }
      await this.#pauseForRetry();
      if (signal?.aborted) throw abortedError(signal, 'UNAVAILABLE');
      if (timeoutMs > 0) leftMs = Math.max(1, endMs - clock.monotonic());
    }
  }

  #write<Q, A>(method: UnaryMethod<Q, A>, request: Q, options?: CallOptions): Promise<A> {
    const { timeoutMs = this.#timeoutMs, signal } = options ?? {};
    return this.#connection.unary(method, request, timeoutMs, false, signal);
  }
}

/** Between two tries of a read whose connection broke, in ms. */
const retryMs = 50;

const freshnessNumbers = {
  linearizable: kv.Freshness.FRESHNESS_LINEARIZABLE,
  lease: kv.Freshness.FRESHNESS_LEASE,
  stale: kv.Freshness.FRESHNESS_STALE,
} as const;

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
