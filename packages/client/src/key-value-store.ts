/**
 * A key-value store as a program sees it: the same whether the engine runs in this process (`open`) or behind
 * a connection (`connect`).
 *
 * Keys and values are bytes; a string stands for its UTF-8 bytes. Bytes that are passed must stay as they are until the call
 * has settled: they may be sent later. What is returned belongs to the caller.
 * All methods reject with KvError, whose code says what happened:
 *
 *     WRONGTYPE         the key holds another type than the call is for
 *     VERSION_MISMATCH  the key is at `error.version`, not at the expected one
 *     DENIED            no credentials, wrong ones, or this user may not do that
 *     COMMAND           a command was answered with another error; `error.reply` is its first word
 *     INVALID, LIMIT    the call makes no sense (an argument of a wrong type, options that contradict), or is too large
 *     UNAVAILABLE       not done, try again: nobody answered in time (only reads say so once they were sent)
 *     UNDETERMINED      a write was sent and nobody answered: it may have been done
 *     CLOSED            the store was closed
 */
import type { KvError } from '@holdfast/common';

export type Bytes = string | Uint8Array;

export type ValueType = 'string' | 'list' | 'set' | 'zset' | 'hash' | 'stream';

export interface CallOptions {
  /** Milliseconds; 0 waits for ever. What was not answered by then is UNAVAILABLE or UNDETERMINED. */
  readonly timeoutMs?: number;
  /** Gives the call up when it aborts: UNAVAILABLE or UNDETERMINED, as for `timeoutMs`, with its reason as the error's `cause`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a read promises when the server is the gateway of a cluster; one server alone answers all of them alike.
 *
 *     linearizable   sees every write that was answered before it began
 *     lease          so it does, as long as clocks run at about the same speed; waits for no commit
 *     stale          from any replica, and perhaps old
 */
export type Freshness = 'linearizable' | 'lease' | 'stale';

export interface ReadOptions extends CallOptions {
  /** What the store was connected with otherwise, or else the server's own `--read-mode`. */
  readonly freshness?: Freshness;
}

export interface Found {
  readonly value: Buffer;
  readonly version: number;
  /** How long the key lives on; null when it does not expire. */
  readonly ttlMs: number | null;
}

export interface Entry {
  readonly key: Buffer;
  readonly type: ValueType;
  /** Null for other types than string, and when only keys were asked for. */
  readonly value: Buffer | null;
  readonly version: number;
  /** Null when the key does not expire, and when only keys were asked for. */
  readonly ttlMs: number | null;
}

export interface PutOptions extends CallOptions {
  /** How long the key lives, in ms, a positive integer; without it for ever. */
  readonly ttlMs?: number;
  /** Only if the key is at this version; 0: only if there is no such key. */
  readonly expectedVersion?: number;
  /** The same as `expectedVersion: 0`. */
  readonly onlyIfAbsent?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Only if the key is at this version. */
  readonly expectedVersion?: number;
}

/** Keys that begin with `prefix`, or from `start` up to but without `end`, in the order of their bytes. */
export type Selection = { readonly prefix: Bytes } | { readonly start: Bytes; readonly end?: Bytes };

export interface ScanOptions extends ReadOptions {
  /** Without it: all keys. */
  readonly selection?: Selection;
  /** From the last key to the first. */
  readonly reverse?: boolean;
  /** How many entries at most; without it all. */
  readonly limit?: number;
  readonly keysOnly?: boolean;
  /** Goes on behind the page that had this token; the other options must be as they were. */
  readonly resumeToken?: Uint8Array;
}

export interface Page {
  readonly entries: readonly Entry[];
  /** Null at the end of the selection. */
  readonly resumeToken: Buffer | null;
}

export interface ExecuteOptions extends ReadOptions {
  /** Bytes in the reply become strings. */
  readonly encoding?: 'utf8';
  /** Shape of the reply where a command chooses it by what was said in HELLO; 3 by default. Maps and sets are such in either. */
  readonly protocol?: 2 | 3;
}

/** A reply of any command. Integers beyond 2^53 are bigints; an error within an aggregate is a KvError. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | KvError
  | Value[]
  | Map<Value, Value>
  | Set<Value>;

export interface Comparison {
  readonly key: Bytes;
  /** 0: there is no such key. */
  readonly expectedVersion: number;
}

export interface TransactOptions extends ExecuteOptions {
  /** All must hold, or nothing is done: VERSION_MISMATCH. */
  readonly compare?: readonly Comparison[];
}

export interface KeyValueStore {
  /** The string at a key; null when there is no such key. */
  get(key: Bytes, options?: ReadOptions): Promise<Found | null>;

  /** Up to 1,000 keys of any type at one moment, in the order asked; null for those that are not there. */
  getMany(keys: readonly Bytes[], options?: ReadOptions): Promise<(Entry | null)[]>;

  /** Sets a key to a string, whatever it held; its new version. */
  put(key: Bytes, value: Bytes, options?: PutOptions): Promise<number>;

  /** Removes a key of any type; whether it was there. */
  delete(key: Bytes, options?: DeleteOptions): Promise<boolean>;

  /** Removes the keys that are there during the whole call; how many. Not atomic: page by page. */
  deleteRange(selection: Selection, options?: CallOptions): Promise<number>;

  /**
   * Entries in the order of their keys. Not a snapshot: each is one key at its version; a key that is there
   * during the whole scan is returned exactly once. `timeoutMs` is for each step.
   */
  scan(options?: ScanOptions): AsyncIterable<Entry>;

  /** As `scan`, page by page, with tokens to go on later. */
  scanPages(options?: ScanOptions): AsyncIterable<Page>;

  /**
   * Any Redis command that makes sense without a connection: no SUBSCRIBE, no MULTI (see `transact`), no
   * SELECT. For a command that blocks, give a `timeoutMs` beyond its own.
   */
  execute(args: readonly (Bytes | number)[], options?: ExecuteOptions): Promise<Value>;

  /** Commands run as one, at one moment and version. The failure of one does not undo the others. */
  transact(commands: readonly (readonly (Bytes | number)[])[], options?: TransactOptions): Promise<Value[]>;

  /** Ends what is going on with CLOSED. */
  close(): Promise<void>;

  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
