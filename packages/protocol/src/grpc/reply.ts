/**
 * Writes replies as results of a Batch stream, in the wire format, as they are given: nothing is built
 * first, except for aggregates.
 *
 *     BatchResponse  | 0a length | Result | 0a length | Result | ...
 *     Result         | 08 id | outcome tag, length | GetResponse, PutResponse, ... |
 *
 * A result is `begin`, one reply, `end`. The lengths come first on the wire, so a result is written in one go,
 * by whichever call completes it.
 */
// @hot-path
import { ErrorReply, errorLine, Reply, type ReplyValue, utf8Of, ValueReply } from '@holdfast/common';
import { kv, tagOf, varintLength, WireWriter, wireTypes, writePaddedVarint } from '@holdfast/rpc';
import { operations } from './decoder.js';
import { failureOf } from './errors.js';
import { replyBytesMax } from './limits.js';
import { valueOrErrorMessage } from './value.js';

const resultsTag: number = tagOf(1, wireTypes.bytes);
const idTag: number = tagOf(1, wireTypes.varint);
const errorTag: number = tagOf(15, wireTypes.bytes);
/** Of ExecuteResponse. */
const valueTag: number = tagOf(1, wireTypes.bytes);
const executeVersionTag: number = tagOf(2, wireTypes.varint);
/** Of Value. */
const kinds = { null: 0x0a, status: 0x12, integer: 0x20, double: 0x31, bytes: 0x3a, boolean: 0x40 } as const;
/** The version of Execute is known after its reply: room for the longest is left, and filled by `end`. */
const versionBytes = 8;
/** Upper bound of what surrounds a payload: ids, tags, lengths, numbers. */
const envelopeBytes = 128;

export class ResultReply extends Reply {
  dialect: 2 | 3 = 3;
  readonly out = new WireWriter(16 * 1024);
  #operation = 0;
  #idBytes: Uint8Array = new Uint8Array(0);
  #idStart = 0;
  #idLength = 0;
  /** Numbers of KV.GET's reply. */
  #numbers = 0;
  #version = 0;
  #ttlMs = 0;
  /** Where the version of this Execute is to be written; -1 when nowhere. */
  #versionAt = -1;
  /** An aggregate that is being collected. */
  readonly #tree = new ValueReply(3);
  #isTree = false;
  /** A reply to Execute that came as a value. */
  #late: ReplyValue | undefined = undefined;
  #error: string | null = null;

  /** The next reply answers the command of this id: a varint, in bytes that stay until `end`. */
  begin(operation: number, idBytes: Uint8Array, idStart: number, idLength: number): void {
    this.#operation = operation;
    this.#idBytes = idBytes;
    this.#idStart = idStart;
    this.#idLength = idLength;
    this.#numbers = 0;
    this.#versionAt = -1;
    this.#isTree = false;
    this.#late = undefined;
    this.#error = null;
    this.failed = false;
  }

  /** The reply is complete; `version` is that of the key it is about. */
  end(version: number): void {
    if (this.#error !== null) {
      this.#writeError(failureOf(this.#error, version));
    } else if (this.#late !== undefined) {
      this.#writeTree(this.#late, version);
    } else if (this.#isTree) {
      this.#writeTree(this.#tree.take()!, version);
    } else if (this.#versionAt >= 0) {
      writePaddedVarint(this.out.bytes, this.#versionAt, versionBytes, version);
    }
  }

  /** A reply that came later, as a value: between `begin` and `end`. */
  value(value: ReplyValue): void {
    if (value instanceof ErrorReply) {
      this.error(value.message);
    } else if (this.#operation === operations.execute) {
      this.#late = value;
    } else {
      replay(value, this);
    }
  }

  // Reply

  error(message: string): void {
    this.failed = true;
    this.lastError = message;
    if (this.#isTree) this.#tree.error(message);
    else this.#error = errorLine(message);
  }

  integer(n: number): void {
    if (this.#isTree) this.#tree.integer(n);
    else if (this.#operation === operations.execute) this.#executeInteger(n);
    else if (this.#operation === operations.get) this.#getNumber(n);
    else if (this.#operation === operations.put) this.#putResult(n);
    else this.#deleteResult(n);
  }

  bulk(bytes: Uint8Array, start: number, length: number): void {
    if (this.#isTree) this.#tree.bulk(bytes, start, length);
    else if (length > replyBytesMax) this.#error = tooLarge(length);
    else if (this.#operation === operations.get) this.#getResult(bytes, start, length);
    else this.#executeBytes(kinds.bytes, bytes, start, length);
  }

  array(count: number): void {
    // KV.GET's reply: its numbers follow, then the value.
    if (this.#operation === operations.get) return;
    this.#asTree().array(count);
  }

  null(): void {
    if (this.#isTree) this.#tree.null();
    else if (this.#operation === operations.get) this.#begin(tagOf(operations.get, wireTypes.bytes), 0);
    else this.#executeBytes(kinds.null, this.#idBytes, 0, 0);
  }

  nullArray(): void {
    this.null();
  }

  simple(text: string): void {
    if (this.#isTree) this.#tree.simple(text);
    else this.#executeText(kinds.status, text);
  }

  ok(): void {
    this.simple('OK');
  }

  text(value: string): void {
    if (this.#isTree) this.#tree.text(value);
    else this.#executeEncoded(kinds.bytes, utf8Of(value));
  }

  byteString(value: string): void {
    const bytes = Buffer.from(value, 'latin1');
    this.bulk(bytes, 0, bytes.length);
  }

  boolean(value: boolean): void {
    if (this.#isTree) this.#tree.boolean(value);
    else this.#executeVarint(kinds.boolean, value ? 1 : 0);
  }

  double(n: number): void {
    if (this.#isTree) {
      this.#tree.double(n);
      return;
    }
    this.#beginExecute(9);
    const { out } = this;
    out.bytes[out.length] = kinds.double;
    out.bytes.writeDoubleLE(n, out.length + 1);
    out.length += 9;
    this.#leaveVersion();
  }

  bigInteger(n: bigint): void {
    this.#asTree().bigInteger(n);
  }

  bigNumber(digits: string): void {
    this.#asTree().bigNumber(digits);
  }

  map(count: number): void {
    this.#asTree().map(count);
  }

  set(count: number): void {
    this.#asTree().set(count);
  }

  push(count: number): void {
    this.#asTree().push(count);
  }

  verbatim(format: string, text: string): void {
    this.#asTree().verbatim(format, text);
  }

  #asTree(): ValueReply {
    this.#isTree = true;
    return this.#tree;
  }

  // Results

  /** Writes everything up to the outcome's content, of `length` bytes, and makes room for that. */
  #begin(outcomeTag: number, length: number): void {
    const { out } = this;
    const idLength = this.#idLength === 0 ? 0 : 1 + this.#idLength;
    out.reserve(length + envelopeBytes);
    out.begin(resultsTag, idLength + varintLength(outcomeTag) + varintLength(length) + length);
    if (idLength > 0) {
      out.bytes[out.length++] = idTag;
      out.raw(this.#idBytes, this.#idStart, this.#idLength);
    }
    out.begin(outcomeTag, length);
  }

  #getNumber(n: number): void {
    if (this.#numbers++ === 0) this.#version = n;
    else this.#ttlMs = n;
  }

  /** found = 1, value = 2, version = 3, ttl_ms = 4. */
  #getResult(bytes: Uint8Array, start: number, length: number): void {
    const { out } = this;
    const hasTtl = this.#ttlMs >= 0;
    let total = 2 + 1 + varintLength(length) + length + 1 + varintLength(this.#version);
    if (hasTtl) total += 1 + varintLength(this.#ttlMs);
    this.#begin(tagOf(operations.get, wireTypes.bytes), total);
    out.number(0x08, 1);
    out.field(0x12, bytes, start, length);
    out.number(0x18, this.#version);
    if (hasTtl) out.number(0x20, this.#ttlMs);
  }

  /** version = 1. */
  #putResult(version: number): void {
    this.#begin(tagOf(operations.put, wireTypes.bytes), 1 + varintLength(version));
    this.out.number(0x08, version);
  }

  /** deleted = 1, version = 2; nothing when there was no such key. */
  #deleteResult(version: number): void {
    if (version === 0) {
      this.#begin(tagOf(operations.delete, wireTypes.bytes), 0);
      return;
    }
    this.#begin(tagOf(operations.delete, wireTypes.bytes), 3 + varintLength(version));
    this.out.number(0x08, 1);
    this.out.number(0x10, version);
  }

  /** Writes everything up to the content of a Value, of `length` bytes. */
  #beginExecute(length: number): void {
    const total = 1 + varintLength(length) + length + 1 + versionBytes;
    this.#begin(tagOf(operations.execute, wireTypes.bytes), total);
    this.out.begin(valueTag, length);
  }

  #leaveVersion(): void {
    const { out } = this;
    out.bytes[out.length++] = executeVersionTag;
    this.#versionAt = out.length;
    out.length += versionBytes;
  }

  #executeBytes(kind: number, bytes: Uint8Array, start: number, length: number): void {
    this.#beginExecute(1 + varintLength(length) + length);
    this.out.field(kind, bytes, start, length);
    this.#leaveVersion();
  }

  #executeText(kind: number, text: string): void {
    this.#executeEncoded(kind, Buffer.from(text, 'utf8'));
  }

  #executeEncoded(kind: number, bytes: Buffer): void {
    if (bytes.length > replyBytesMax) this.#error = tooLarge(bytes.length);
    else this.#executeBytes(kind, bytes, 0, bytes.length);
  }

  #executeVarint(kind: number, n: number): void {
    this.#beginExecute(1 + varintLength(n));
    this.out.number(kind, n);
    this.#leaveVersion();
  }

  #executeInteger(n: number): void {
    if (n >= 0) {
      this.#executeVarint(kinds.integer, n);
      return;
    }
    // Ten bytes, as every negative int64.
    this.#beginExecute(11);
    const { out } = this;
    out.bytes[out.length++] = kinds.integer;
    let rest = BigInt.asUintN(64, BigInt(n));
    for (let i = 0; i < 9; i++) {
      out.bytes[out.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    out.bytes[out.length++] = Number(rest);
    this.#leaveVersion();
  }

  #writeTree(value: ReplyValue, version: number): void {
    const message = valueOrErrorMessage(value);
    if (message.kind?.$case === 'error') {
      this.#writeError(message.kind.value);
      return;
    }
    const content = kv.ExecuteResponse.encode({ value: message, version }).finish();
    if (content.length > replyBytesMax) {
      this.#writeError(failureOf(tooLarge(content.length), 0));
      return;
    }
    this.#begin(tagOf(operations.execute, wireTypes.bytes), content.length);
    this.out.raw(content, 0, content.length);
  }

  #writeError(failure: kv.Error): void {
    const content = kv.Error.encode(failure).finish();
    this.#begin(errorTag, content.length);
    this.out.raw(content, 0, content.length);
  }
}

function tooLarge(length: number): string {
  return `LIMIT the reply has ${length} bytes, and gRPC replies have at most ${replyBytesMax}`;
}

/** Gives the value of a typed command's reply to a reply again. */
function replay(value: ReplyValue, reply: Reply): void {
  if (value === null) reply.null();
  else if (typeof value === 'number') reply.integer(value);
  else if (Buffer.isBuffer(value)) reply.bulk(value, 0, value.length);
  else if (Array.isArray(value)) {
    reply.array(value.length);
    for (const each of value) replay(each, reply);
  }
}
