/**
 * Takes a message of a Batch stream apart, one command after the other, into requests. Arguments of Execute
 * stay where they are; key and value of a typed operation are copied behind the name of its command:
 *
 *     scratch   KV.GET KV.PUT KV.DEL TTL VERSION ABSENT | key value [ttl] [version]
 *     offsets   ^ name                                    ^ 1 ^ 2
 */
// @hot-path
import { byteStringOf, copyBytes, emptyBytes, Request, writeInteger } from '@holdfast/common';
import { WireReader } from '@holdfast/rpc';
import { argumentsMax, scratchBytes } from './limits.js';

/** Field numbers of `Command.operation` and of `Result.outcome`. */
export const operations = { get: 2, put: 3, delete: 4, execute: 5 } as const;

const words = Buffer.from('KV.GETKV.PUTKV.DELTTLVERSIONABSENT');
const getAt = 0;
const putAt = 6;
const deleteAt = 12;
const nameLength = 6;
const ttlAt = 18;
const versionAt = 21;
const absentAt = 28;
/** Beside key and value: the words, and two numbers. */
const overheadBytes: number = words.length + 40;

// Tags: field number << 3 | type.
const commandsTag = 0x0a;
const cancelTag = 0x10;
const cancelsTag = 0x12;
const idTag = 0x08;
const databaseTag = 0x78;
const freshnessTag = 0x70;
const keyTag = 0x0a;
const valueTag = 0x12;
const ttlTag = 0x18;
const putVersionTag = 0x20;
const absentTag = 0x28;
const deleteVersionTag = 0x10;
const argsTag = 0x0a;
const protocolTag = 0x10;

const tooManyArguments = `a command has at most ${argumentsMax} arguments`;

export class CommandDecoder {
  /** The command that `next` found, to be used before the next call. */
  readonly request = new Request();
  operation = 0;
  /** The command's id as it came: `bytes[idStart, idStart + idLength)`, a varint; none for 0. */
  bytes: Buffer = emptyBytes;
  idStart = 0;
  idLength = 0;
  /** -1 when the command does not say. */
  database = -1;
  /** A `kv.Freshness`. */
  freshness = 0;
  /** 2 or 3. */
  protocol: 2 | 3 = 3;
  /** What is wrong with the command, '' when nothing is. */
  problem = '';
  /** Ids of commands to be cancelled, as byte strings. */
  readonly cancelled: string[] = [];
  readonly #reader = new WireReader();
  #scratch: Buffer = newScratch(scratchBytes);
  #used = 0;
  #at = 0;
  #messageEnd = 0;

  open(message: Buffer): void {
    this.bytes = message;
    this.#at = 0;
    this.#messageEnd = message.length;
  }

  /** The next command; false at the end of the message. Throws KvError CORRUPT for what is no message. */
  next(): boolean {
    const reader = this.#reader;
    reader.open(this.bytes, this.#at, this.#messageEnd);
    while (reader.at < this.#messageEnd) {
      const tag = reader.varint();
      if (tag === commandsTag) {
        const end = reader.length() + reader.at;
        this.#at = end;
        this.#decodeCommand(end);
        return true;
      }
      if (tag === cancelsTag) {
        const end = reader.length() + reader.at;
        while (reader.at < end) this.#decodeCancel();
      } else if (tag === cancelTag) {
        this.#decodeCancel();
      } else {
        reader.skip(tag);
      }
    }
    this.#at = reader.at;
    this.bytes = emptyBytes;
    this.#messageEnd = 0;
    this.#at = 0;
    return false;
  }

  /** The id of the command as a byte string: the same for the same number. */
  get id(): string {
    return byteStringOf(this.bytes, this.idStart, this.idLength);
  }

  #decodeCancel(): void {
    const { at } = this.#reader;
    this.cancelled.push(
      this.#reader.varint() === 0 ? '' : byteStringOf(this.bytes, at, this.#reader.at - at),
    );
  }

  #decodeCommand(end: number): void {
    const reader = this.#reader;
    reader.end = end;
    this.operation = 0;
    this.idLength = 0;
    this.database = -1;
    this.freshness = 0;
    this.protocol = 3;
    this.problem = '';
    let start = 0;
    let length = 0;
    while (reader.at < end) {
      const tag = reader.varint();
      if (tag === idTag) {
        this.idStart = reader.at;
        this.idLength = reader.varint() === 0 ? 0 : reader.at - this.idStart;
      } else if (tag === 0x12 || tag === 0x1a || tag === 0x22 || tag === 0x2a) {
        length = reader.length();
        start = reader.at;
        this.operation = tag >> 3;
        reader.at += length;
      } else {
        reader.skip(tag);
      }
    }
    reader.at = start;
    reader.end = start + length;
    if (this.operation === operations.get) this.#decodeGet();
    else if (this.operation === operations.put) this.#decodePut();
    else if (this.operation === operations.delete) this.#decodeDelete();
    else if (this.operation === operations.execute) this.#decodeExecute();
    else this.problem = 'the command has no operation';
  }

  #decodeGet(): void {
    const reader = this.#reader;
    let start = 0;
    let length = 0;
    while (reader.at < reader.end) {
      const tag = reader.varint();
      if (tag === keyTag) {
        length = reader.length();
        start = reader.at;
        reader.at += length;
      } else if (tag === databaseTag) this.database = reader.varint();
      else if (tag === freshnessTag) this.freshness = reader.varint();
      else reader.skip(tag);
    }
    this.#begin(getAt, length);
    this.#copy(start, length);
  }

  #decodePut(): void {
    const reader = this.#reader;
    let start = 0;
    let length = 0;
    let valueStart = 0;
    let valueLength = 0;
    let ttl = -1;
    let version = -1;
    let isAbsent = false;
    while (reader.at < reader.end) {
      const tag = reader.varint();
      if (tag === keyTag) {
        length = reader.length();
        start = reader.at;
        reader.at += length;
      } else if (tag === valueTag) {
        valueLength = reader.length();
        valueStart = reader.at;
        reader.at += valueLength;
      } else if (tag === ttlTag) ttl = reader.varint();
      else if (tag === putVersionTag) version = reader.varint();
      else if (tag === absentTag) isAbsent = reader.varint() !== 0;
      else if (tag === databaseTag) this.database = reader.varint();
      else reader.skip(tag);
    }
    this.#begin(putAt, length + valueLength);
    this.#copy(start, length);
    this.#copy(valueStart, valueLength);
    if (ttl >= 0) this.#option(ttlAt, 3, ttl, 'ttl_ms');
    if (version >= 0) this.#option(versionAt, 7, version, 'expected_version');
    if (!isAbsent) return;
    if (version > 0) this.problem = 'only_if_absent contradicts expected_version';
    this.#word(absentAt, 6);
  }

  #decodeDelete(): void {
    const reader = this.#reader;
    let start = 0;
    let length = 0;
    let version = -1;
    while (reader.at < reader.end) {
      const tag = reader.varint();
      if (tag === keyTag) {
        length = reader.length();
        start = reader.at;
        reader.at += length;
      } else if (tag === deleteVersionTag) version = reader.varint();
      else if (tag === databaseTag) this.database = reader.varint();
      else reader.skip(tag);
    }
    this.#begin(deleteAt, length);
    this.#copy(start, length);
    if (version >= 0) this.#option(versionAt, 7, version, 'expected_version');
  }

  #decodeExecute(): void {
    const reader = this.#reader;
    const { request } = this;
    let protocol = 0;
    request.bytes = this.bytes;
    request.count = 0;
    while (reader.at < reader.end) {
      const tag = reader.varint();
      if (tag === argsTag) {
        const length = reader.length();
        if (request.count < argumentsMax) this.#argument(reader.at, length);
        else this.problem = tooManyArguments;
        reader.at += length;
      } else if (tag === protocolTag) protocol = reader.varint();
      else if (tag === databaseTag) this.database = reader.varint();
      else if (tag === freshnessTag) this.freshness = reader.varint();
      else reader.skip(tag);
    }
    if (request.count === 0) this.problem = 'there is no command to execute';
    if (protocol !== 0 && protocol !== 2 && protocol !== 3) this.problem = 'protocol must be 2 or 3';
    this.protocol = protocol === 2 ? 2 : 3;
  }

  // Requests of typed operations

  /** Starts a request in the scratch buffer, with room for `length` bytes of key and value. */
  #begin(at: number, length: number): void {
    const wanted = overheadBytes + length;
    if (wanted > this.#scratch.length || this.#scratch.length > scratchBytes) {
      this.#scratch = newScratch(Math.max(wanted, scratchBytes));
    }
    const { request } = this;
    request.bytes = this.#scratch;
    request.count = 0;
    this.#used = words.length;
    this.#argument(at, nameLength);
  }

  #copy(start: number, length: number): void {
    copyBytes(this.bytes, start, this.#scratch, this.#used, length);
    this.#argument(this.#used, length);
    this.#used += length;
  }

  #option(wordAt: number, wordLength: number, n: number, field: string): void {
    this.#word(wordAt, wordLength);
    if (n > Number.MAX_SAFE_INTEGER) {
      this.problem = `${field} must be below 2^53`;
      return;
    }
    const end = writeInteger(this.#scratch, this.#used, n);
    this.#argument(this.#used, end - this.#used);
    this.#used = end;
  }

  #word(at: number, length: number): void {
    this.#argument(at, length);
  }

  #argument(start: number, length: number): void {
    const { request } = this;
    const i = request.count;
    if (i * 2 >= request.offsets.length) request.reserve(i + 1);
    request.offsets[2 * i] = start;
    request.offsets[2 * i + 1] = length;
    request.count = i + 1;
  }
}

function newScratch(bytes: number): Buffer {
  const scratch = Buffer.allocUnsafeSlow(bytes);
  words.copy(scratch);
  return scratch;
}
