/** The whole engine in the caller's process, without a socket. */
import {
  batchKeysMax,
  bytesOf,
  type Env,
  ErrorReply,
  KvError,
  ProcessHold,
  type ReplyValue,
  systemEnv,
} from '@holdfast/common';
import {
  type Answer,
  allKeys,
  Caller,
  deleteRange,
  entryOf,
  type KeyInterval,
  type LocalStack,
  openLocalStack,
  prefixInterval,
  type ScanEntry,
  ScanRoom,
  scanRange,
  Turns,
  transact,
  unsupportedArguments,
} from '@holdfast/coord/local';
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
import { closedError, noAnswer, replyError } from './errors.js';
import type {
  Bytes,
  CallOptions,
  DeleteOptions,
  Entry,
  ExecuteOptions,
  Found,
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
import { argumentOf, typeName, valueOfReply } from './value.js';

export interface OpenOptions {
  readonly database?: number;
  /** Of every call that does not say otherwise; 10 s. */
  readonly timeoutMs?: number;
  /** Values of the server's parameters, by Redis' names: `maxmemory`, ... */
  readonly parameters?: ReadonlyMap<string, string>;
  readonly env?: Env;
}

/** Opens a store of its own, in memory. */
export async function open(options: OpenOptions = {}): Promise<KeyValueStore> {
  throwAny(optionsProblem(options));
  const { database = 0, env = systemEnv() } = options;
  let store: EmbeddedStore | null = null;
  const stack = await openStack(env, options, () => void store?.close());
  if (Number.isInteger(database) && database >= 0 && database < stack.config.number('databases')) {
    store = new EmbeddedStore(stack, env, options);
    return store;
  }
  await stack.close();
  throw new KvError('INVALID', 'there is no database of that number');
}

/** What the store consists of. SHUTDOWN closes it. */
function openStack(env: Env, { parameters }: OpenOptions, onShutdown: () => void): Promise<LocalStack> {
  return openLocalStack({
    env,
    storage: 'memory',
    log: 'none',
    fsync: 'no',
    onShutdown,
    ...(parameters && { parameters }),
  });
}

class EmbeddedStore implements KeyValueStore {
  readonly #stack: LocalStack;
  readonly #env: Env;
  readonly #turns: Turns;
  readonly #room: ScanRoom;
  readonly #database: number;
  readonly #timeoutMs: number;
  readonly #idle: Caller[] = [];
  readonly #busy = new Set<Caller>();
  readonly #hold = new ProcessHold();
  #isHoldDue = false;
  /** Calls that somebody waits for: not scans, whose callers may have gone without a word. */
  #waiting = 0;
  /** What the first `close` waits for, and all others. */
  #closing: Promise<void> | null = null;

  constructor(stack: LocalStack, env: Env, options: OpenOptions) {
    this.#stack = stack;
    this.#env = env;
    this.#turns = new Turns(stack.coordinator, env.timers);
    this.#room = new ScanRoom(this.#turns, env.clock);
    this.#database = options.database ?? 0;
    this.#timeoutMs = options.timeoutMs ?? timeoutMsDefault;
  }

  async get(key: Bytes, options?: ReadOptions): Promise<Found | null> {
    throwAny(bytesProblem('a key', key) ?? optionsProblem(options));
    const reply = await this.#run(['KV.GET', key], options, true);
    if (reply === null) return null;
    const [version, ttl, value] = reply as [number, number, Buffer];
    return { value, version, ttlMs: ttl < 0 ? null : ttl };
  }

  async getMany(keys: readonly Bytes[], options?: ReadOptions): Promise<(Entry | null)[]> {
    throwAny(keysProblem(keys) ?? optionsProblem(options));
    if (keys.length > batchKeysMax) throw new KvError('LIMIT', `at most ${batchKeysMax} keys at a time`);
    if (this.#isClosed) throw closedError();
    if (keys.length === 0) return [];
    const reply = (await this.#run(['KV.MGET', ...keys], options, true)) as ReplyValue[];
    return reply.map((item, i) => {
      const entry = entryOf(Buffer.from(bytesOf(keys[i])), item);
      return entry === null ? null : publicEntry(entry);
    });
  }

  async put(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<number> {
    throwAny(bytesProblem('a key', key) ?? bytesProblem('a value', value) ?? optionsProblem(options));
    const { ttlMs, expectedVersion, onlyIfAbsent = false } = options;
    const args: Bytes[] = ['KV.PUT', key, value];
    if (ttlMs !== undefined) args.push('TTL', String(ttlMs));
    if (expectedVersion !== undefined) args.push('VERSION', String(expectedVersion));
    if (onlyIfAbsent) {
      if ((expectedVersion ?? 0) !== 0) {
        throw new KvError('INVALID', 'onlyIfAbsent contradicts expectedVersion');
      }
      args.push('ABSENT');
    }
    return (await this.#run(args, options, false)) as number;
  }

  async delete(key: Bytes, options: DeleteOptions = {}): Promise<boolean> {
    throwAny(bytesProblem('a key', key) ?? optionsProblem(options));
    const args: Bytes[] = ['KV.DEL', key];
    if (options.expectedVersion !== undefined) args.push('VERSION', String(options.expectedVersion));
    return (await this.#run(args, options, false)) !== 0;
  }

  async deleteRange(selection: Selection, options?: CallOptions): Promise<number> {
    throwAny(selectionProblem(selection) ?? optionsProblem(options));
    const interval = intervalOf(selection);
    const remove = async (caller: Caller): Promise<number> => {
      const { deleted } = await deleteRange({ caller, room: this.#room }, interval);
      return deleted;
    };
    return this.#with(options, false, remove, true);
  }

  async execute(args: readonly (Bytes | number)[], options: ExecuteOptions = {}): Promise<Value> {
    throwAny(commandProblem(args) ?? optionsProblem(options));
    const command = checked(args);
    return valueOfReply(await this.#run(command, options, false, options.protocol), options.encoding);
  }

  async transact(
    commands: readonly (readonly (Bytes | number)[])[],
    options: TransactOptions = {},
  ): Promise<Value[]> {
    throwAny(optionsProblem(options));
    const { compare = [], encoding } = options;
    throwAny(transactionProblem(commands, compare));
    if (compare.length > batchKeysMax || commands.length > batchKeysMax) {
      throw new KvError('LIMIT', `at most ${batchKeysMax} comparisons and commands at a time`);
    }
    const comparisons = compare.map((each) => ({ ...each, key: bytesOf(each.key) }));
    const queue = commands.map((args) => checked(args).map(bytesOf));
    return this.#with(options, false, async (caller) => {
      caller.session.dialect = options.protocol ?? 3;
      const replies = succeeded(await transact(caller, comparisons, queue)) as ReplyValue[];
      return replies.map((reply) => valueOfReply(reply, encoding));
    });
  }

  async *scan(options: ScanOptions = {}): AsyncGenerator<Entry> {
    for await (const { entries } of this.scanPages(options)) yield* entries;
  }

  async *scanPages(options: ScanOptions = {}): AsyncGenerator<Page> {
    throwAny(scanProblem(options));
    const { selection, reverse = false, limit, keysOnly = false, resumeToken = null, signal } = options;
    if (limit === 0) return;
    const caller = this.#take();
    const context = { caller, room: this.#room };
    try {
      const pages = scanRange(context, {
        interval: selection === undefined ? allKeys : intervalOf(selection),
        isReverse: reverse,
        limit: limit ?? Number.POSITIVE_INFINITY,
        keysOnly,
        resumeToken,
      });
      for await (const page of pages) {
        yield { entries: page.entries.map(publicEntry), resumeToken: page.resumeToken };
        if (signal?.aborted && page.resumeToken !== null) throw abortedError(signal, 'UNAVAILABLE');
      }
    } catch (error) {
      throw this.#isClosed ? closedError() : error;
    } finally {
      this.#give(caller);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // The turn holds the store until it is over: who opened and closed stores in a loop would fill the memory.
    await this.#turns.next();
    this.#hold.set(false);
    for (const caller of [...this.#idle, ...this.#busy]) caller.close();
    await this.#stack.close();
  }

  get #isClosed(): boolean {
    return this.#closing !== null;
  }

  /**
   * Runs one command. Most are answered at once, and their session is free again before anybody sees the answer: any
   * number may be begun in one turn.
   */
  async #run(
    args: readonly Bytes[],
    options: CallOptions | undefined,
    isRead: boolean,
    dialect: 2 | 3 = 3,
  ): Promise<ReplyValue> {
    const caller = this.#take();
    caller.session.dialect = dialect;
    const answer = caller.run(args);
    if (caller.isBusy) return succeeded(await this.#settled(caller, answer, options, isRead, false));
    this.#give(caller);
    return succeeded(await answer);
  }

  /** Runs `body` with a session of its own. `isLong`: it takes many steps. */
  async #with<R>(
    options: CallOptions | undefined,
    isRead: boolean,
    body: (caller: Caller) => Promise<R>,
    isLong = false,
  ): Promise<R> {
    const caller = this.#take();
    return this.#settled(caller, body(caller), options, isRead, isLong);
  }

  /** What `caller` is busy with, for as long as the call may take; then it is free again. */
  async #settled<R>(
    caller: Caller,
    result: Promise<R>,
    options: CallOptions | undefined,
    isRead: boolean,
    isLong: boolean,
  ): Promise<R> {
    const { timers } = this.#env;
    const { timeoutMs = this.#timeoutMs, signal } = options ?? {};
    let isLate = false;
    this.#waiting++;
    const end = (): void => {
      isLate = true;
      caller.close();
    };
    try {
      if (caller.isBusy) this.#holdLater();
      // Most are done by now: a timer is for those that wait.
      const timer = timeoutMs > 0 && (isLong || caller.isBusy) ? timers.setTimeout(end, timeoutMs) : null;
      try {
        return await (signal === undefined ? result : untilAborted(result, signal, end));
      } finally {
        if (timer !== null) timers.clearTimeout(timer);
      }
    } catch (error) {
      if (this.#isClosed && caller.isClosed) throw closedError();
      if (!isLate) throw error;
      if (signal?.aborted) throw abortedError(signal, isRead ? 'UNAVAILABLE' : 'UNDETERMINED');
      throw noAnswer(isRead, 'no answer in time');
    } finally {
      if (--this.#waiting === 0) this.#hold.set(false);
      this.#give(caller);
    }
  }

  /** Nothing else keeps a process whose calls wait, for a list to be filled or until their time is over: it would end without a word. */
  #holdLater(): void {
    if (this.#isHoldDue) return;
    this.#isHoldDue = true;
    // After the turn, in which most calls are answered.
    this.#env.timers.setImmediate(() => {
      this.#isHoldDue = false;
      if (!this.#isClosed && this.#waiting > 0) this.#hold.set(true);
    });
  }

  #take(): Caller {
    if (this.#isClosed) throw closedError();
    const caller = this.#idle.pop() ?? this.#openCaller();
    this.#busy.add(caller);
    return caller;
  }

  #openCaller(): Caller {
    const { coordinator } = this.#stack;
    const options = { protocol: 'embedded', address: '', localAddress: '' };
    const caller = Caller.open(coordinator, this.#turns, options);
    if (caller === null) throw new KvError('LIMIT', 'max number of clients reached');
    caller.session.database = this.#database;
    caller.session.isAuthenticated = true;
    return caller;
  }

  #give(caller: Caller): void {
    this.#busy.delete(caller);
    if (caller.isClosed) return;
    caller.session.dialect = 3;
    if (caller.isBusy) caller.close();
    else this.#idle.push(caller);
  }
}

function succeeded({ value, version }: Answer): ReplyValue {
  if (value instanceof ErrorReply)
    throw replyError(value.message, value.code === 'VERSION_MISMATCH' ? version : 0);
  return value;
}

function throwAny(problem: KvError | null): void {
  if (problem !== null) throw problem;
}

function checked(args: readonly (Bytes | number)[]): Bytes[] {
  const command = args.map(argumentOf);
  const refusal = unsupportedArguments(command.slice(0, 2).map(bytesOf));
  if (refusal !== null) throw replyError(refusal, 0);
  return command;
}

function intervalOf(selection: Selection): KeyInterval {
  if ('prefix' in selection) return prefixInterval(bytesOf(selection.prefix));
  const end = selection.end === undefined ? null : bytesOf(selection.end);
  return { from: bytesOf(selection.start), to: end === null || end.length === 0 ? null : end };
}

function publicEntry({ key, type, value, version, ttlMs }: ScanEntry): Entry {
  return { key, type: typeName(type), value, version, ttlMs };
}
