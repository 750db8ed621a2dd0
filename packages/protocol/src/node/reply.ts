/**
 * Writes replies to runs as RunReplies of a ForwardResponse, in one go: RESP within protobuf. The lengths come
 * first on the wire and are known last, so room is left for them.
 *
 *     | 0a .... | 08 id | 1a .... | +OK\r\n $1\r\nv\r\n ... | 10 count | 20 version | 28 undetermined | 30 1 |
 *          '-- of the RunReply '-- of the replies
 */
// @hot-path
import { copyBytes, type Reply } from '@holdfast/common';
import { writePaddedVarint, writeVarint } from '@holdfast/rpc';
import { RespReply } from '../resp/reply.js';
import { replyBytesMax } from './limits.js';

/** Bytes of a length that is filled in later: messages are below 2^28 bytes. */
const lengthBytes = 4;
/** Upper bound of what surrounds the replies. */
const envelopeBytes = 64;

export class RunReply extends RespReply {
  /** The request that was just passed on was not executed: another node leads. */
  isRefused = false;
  #partAt = 0;
  #lengthAt = 0;

  /** Begins the answer to a run, or a part of it; replies follow. Returns where it begins. */
  begin(id: number): number {
    this.reserve(envelopeBytes);
    const { bytes } = this;
    let at = this.length;
    this.#partAt = at;
    bytes[at] = 0x0a;
    at += 1 + lengthBytes;
    bytes[at++] = 0x08;
    at = writeVarint(bytes, at, id);
    bytes[at++] = 0x1a;
    this.#lengthAt = at;
    this.length = at + lengthBytes;
    return this.#partAt;
  }

  /** Bytes of replies since `begin`. */
  get partLength(): number {
    return this.length - this.#lengthAt - lengthBytes;
  }

  /** The replies so far answer `count` requests. An answer that says nothing is left out, and false. */
  end(count: number, version: number, undetermined: number, isRefused: boolean): boolean {
    if (count === 0 && undetermined === 0 && !isRefused) {
      this.length = this.#partAt;
      return false;
    }
    const replyLength = this.partLength;
    this.reserve(envelopeBytes);
    const { bytes } = this;
    writePaddedVarint(bytes, this.#lengthAt, lengthBytes, replyLength);
    if (count > 0) this.#number(0x10, count);
    if (version > 0) this.#number(0x20, version);
    if (undetermined > 0) this.#number(0x28, undetermined);
    if (isRefused) this.#number(0x30, 1);
    const length = this.length - this.#partAt - 1 - lengthBytes;
    writePaddedVarint(bytes, this.#partAt + 1, lengthBytes, length);
    return true;
  }

  /** Hands over what was replied since `start`, a position of `length`: the rest of it follows there. */
  moveTo(target: Reply, start: number): void {
    if (this.length > start) target.raw(this.bytes, start, this.length - start);
    this.length = start;
  }

  /** Replaces what was replied since `start`, a position of `length`, when no message can hold it. */
  limit(start: number): void {
    const length = this.length - start;
    if (length <= replyBytesMax) return;
    this.length = start;
    this.error(`LIMIT the reply has ${length} bytes, and replies in a cluster have at most ${replyBytesMax}`);
  }

  override notLeader(): void {
    this.isRefused = true;
  }

  /** Messages that a session was sent, as a Push: not between `begin` and `end`. */
  messages(session: number, messages: Uint8Array, start: number, length: number): void {
    this.reserve(length + envelopeBytes);
    const { bytes } = this;
    const partAt = this.length;
    let at = partAt + 1 + lengthBytes;
    bytes[partAt] = 0x12;
    bytes[at++] = 0x08;
    at = writeVarint(bytes, at, session);
    bytes[at++] = 0x12;
    at = writeVarint(bytes, at, length);
    copyBytes(messages, start, bytes, at, length);
    at += length;
    writePaddedVarint(bytes, partAt + 1, lengthBytes, at - partAt - 1 - lengthBytes);
    this.length = at;
  }

  #number(tag: number, n: number): void {
    this.bytes[this.length++] = tag;
    this.length = writeVarint(this.bytes, this.length, n);
  }
}

/** Where the reply of a command that waited goes, and what a session is sent besides. */
export class SessionReply extends RespReply {
  /** The command that waited was not executed: another node leads by now. */
  isRefused = false;

  override notLeader(): void {
    this.isRefused = true;
  }

  /** Forgets everything. */
  clear(): void {
    this.isRefused = false;
    this.consume(this.length, false);
  }
}
