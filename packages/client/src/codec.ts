/**
 * Commands and results of a Batch stream in the wire format: what the generated code for BatchRequest and
 * BatchResponse does, without an object per field.
 */
// @hot-path
import { copyBytes, KvError } from '@holdfast/common';
import { kv, varintLength, WireReader, type WireWriter } from '@holdfast/rpc';
import { replyError } from './errors.js';
import type { Bytes } from './key-value-store.js';
import { valueOfMessage } from './value.js';

/** Field numbers of `Command.operation` and of `Result.outcome`. */
export const operations = { get: 2, put: 3, delete: 4, execute: 5 } as const;

export type Operation = (typeof operations)[keyof typeof operations];

const errorOutcome = 15;

/** A command on its way: what it asks, and who waits for it. */
export class PendingCommand {
  readonly operation: Operation;
  /** Strings are encoded when they are sent. */
  readonly args: readonly Bytes[];
  /** -1 for none. */
  readonly ttlMs: number;
  readonly expectedVersion: number;
  readonly onlyIfAbsent: boolean;
  readonly encoding: 'utf8' | undefined;
  readonly protocol: 2 | 3;
  /** A `kv.Freshness`; 0 for what the server begins with. Of Get and Execute. */
  readonly freshness: number;
  /** Monotonic; Infinity for none. */
  deadlineMs: number;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
  id = 0;
  isSettled = false;

  constructor(
    operation: Operation,
    args: readonly Bytes[],
    ttlMs: number,
    expectedVersion: number,
    onlyIfAbsent: boolean,
    encoding: 'utf8' | undefined,
    protocol: 2 | 3,
    freshness: number,
    deadlineMs: number,
    resolve: (result: never) => void,
    reject: (error: Error) => void,
  ) {
    this.operation = operation;
    this.args = args;
    this.ttlMs = ttlMs;
    this.expectedVersion = expectedVersion;
    this.onlyIfAbsent = onlyIfAbsent;
    this.encoding = encoding;
    this.protocol = protocol;
    this.freshness = freshness;
    this.deadlineMs = deadlineMs;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Sending it twice does no harm. */
  get isRead(): boolean {
    return this.operation === operations.get;
  }
}

/** Appends a command to a BatchRequest. */
export function encodeCommand(command: PendingCommand, out: WireWriter): void {
  const { operation, args, ttlMs, expectedVersion, onlyIfAbsent } = command;
  let content = 0;
  for (let i = 0; i < args.length; i++) {
    const length = bytesLength(args[i]);
    content += 1 + varintLength(length) + length;
  }
  if (ttlMs >= 0) content += 1 + varintLength(ttlMs);
  if (expectedVersion >= 0) content += 1 + varintLength(expectedVersion);
  if (onlyIfAbsent) content += 2;
  const isProtocol2 = command.protocol === 2;
  if (isProtocol2) content += 2;
  const { freshness } = command;
  if (freshness > 0) content += 2;
  const inner = 1 + varintLength(command.id) + 1 + varintLength(content) + content;
  out.reserve(inner + 32);
  out.begin(0x0a, inner);
  out.number(0x08, command.id);
  out.begin((operation << 3) | 2, content);
  // Get, Put and Delete: key = 1, value = 2. Execute: args = 1, all of them.
  for (let i = 0; i < args.length; i++) {
    writeField(operation === operations.put && i === 1 ? 0x12 : 0x0a, args[i], out);
  }
  if (ttlMs >= 0) out.number(0x18, ttlMs);
  if (expectedVersion >= 0) out.number(operation === operations.put ? 0x20 : 0x10, expectedVersion);
  if (onlyIfAbsent) out.number(0x28, 1);
  if (isProtocol2) out.number(0x10, 2);
  if (freshness > 0) out.number(0x70, freshness);
}

/** Appends the id of a command that is to be cancelled. */
export function encodeCancel(id: number, out: WireWriter): void {
  out.reserve(16);
  out.number(0x10, id);
}

function bytesLength(value: Bytes): number {
  return typeof value === 'string' ? utf8Length(value) : value.length;
}

function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text, 'utf8');
  return text.length;
}

function writeField(tag: number, value: Bytes, out: WireWriter): void {
  if (typeof value !== 'string') {
    out.field(tag, value, 0, value.length);
    return;
  }
  const length = utf8Length(value);
  out.begin(tag, length);
  const { bytes } = out;
  const at = out.length;
  if (length === value.length && length < 64) {
    for (let i = 0; i < length; i++) bytes[at + i] = value.charCodeAt(i);
  } else {
    bytes.write(value, at, length, 'utf8');
  }
  out.length = at + length;
}

/** Takes a BatchResponse apart, one result after the other. */
export class ResultDecoder {
  readonly #reader = new WireReader();
  #message: Buffer = Buffer.alloc(0);
  #at = 0;
  id = 0;
  #outcome = 0;
  #start = 0;
  #end = 0;

  open(message: Buffer): void {
    this.#message = message;
    this.#at = 0;
  }

  /** Goes on to the next result; false at the end. Throws KvError CORRUPT for what is no BatchResponse. */
  next(): boolean {
    const reader = this.#reader;
    reader.open(this.#message, this.#at, this.#message.length);
    while (reader.at < reader.end) {
      const tag = reader.varint();
      if (tag !== 0x0a) {
        reader.skip(tag);
        continue;
      }
      const end = reader.length() + reader.at;
      this.#at = end;
      reader.end = end;
      this.#decodeResult(end);
      return true;
    }
    return false;
  }

  #decodeResult(end: number): void {
    const reader = this.#reader;
    this.id = 0;
    this.#outcome = 0;
    while (reader.at < end) {
      const tag = reader.varint();
      if (tag === 0x08) {
        this.id = reader.varint();
      } else if ((tag & 7) === 2) {
        const length = reader.length();
        this.#outcome = tag >> 3;
        this.#start = reader.at;
        this.#end = reader.at + length;
        reader.at += length;
      } else {
        reader.skip(tag);
      }
    }
  }

  /** Gives the result to who waits for it. */
  settle(command: PendingCommand): void {
    command.isSettled = true;
    try {
      if (this.#outcome === command.operation) command.resolve(this.#result(command) as never);
      else if (this.#outcome === errorOutcome) command.reject(this.#error());
      else command.reject(new KvError('CORRUPT', 'the server answered another operation'));
    } catch (error) {
      // What can't be read is told to who waits, too, before it ends the stream.
      const problem = unreadable(error);
      command.reject(problem);
      throw problem;
    }
  }

  #result(command: PendingCommand): unknown {
    this.#reader.at = this.#start;
    this.#reader.end = this.#end;
    if (command.operation === operations.get) return this.#get();
    if (command.operation === operations.execute) return this.#execute(command);
    return this.#version();
  }

  #get(): unknown {
    const reader = this.#reader;
    let isFound = false;
    let version = 0;
    let ttlMs: number | null = null;
    let start = 0;
    let length = 0;
    while (reader.at < this.#end) {
      const tag = reader.varint();
      if (tag === 0x08) isFound = reader.varint() === 1;
      else if (tag === 0x12) {
        length = reader.length();
        start = reader.at;
        reader.at += length;
      } else if (tag === 0x18) version = reader.varint();
      else if (tag === 0x20) ttlMs = reader.varint();
      else reader.skip(tag);
    }
    if (!isFound) return null;
    // A copy: a view would keep the whole message alive.
    const value = Buffer.allocUnsafe(length);
    copyBytes(this.#message, start, value, 0, length);
    return { value, version, ttlMs };
  }

  /** Of PutResponse (version = 1) or DeleteResponse (deleted = 1, version = 2): the last number. */
  #version(): number {
    const reader = this.#reader;
    let version = 0;
    while (reader.at < this.#end) {
      const tag = reader.varint();
      if (tag === 0x08 || tag === 0x10) version = reader.varint();
      else reader.skip(tag);
    }
    return version;
  }

  #execute(command: PendingCommand): unknown {
    const { value } = kv.ExecuteResponse.decode(this.#message.subarray(this.#start, this.#end));
    return valueOfMessage(value, command.encoding);
  }

  #error(): KvError {
    const { message, version } = kv.Error.decode(this.#message.subarray(this.#start, this.#end));
    return replyError(message, version);
  }
}

/** Generated code throws errors of its own. */
function unreadable(error: unknown): KvError {
  if (error instanceof KvError) return error;
  return new KvError('CORRUPT', `the answer can't be read: ${(error as Error).message}`, { cause: error });
}
